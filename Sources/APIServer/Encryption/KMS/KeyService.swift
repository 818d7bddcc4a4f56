import APIModel
import Synchronization

/// Keys that a plugin keeps: records are sealed by keys derived from a seed, and the plugin seals the seed by a key that never leaves it. So
/// the plugin is asked once when its key changes, and once for each seed that is read. Safe from any thread.
final class KeyService: Sendable {
    /// For how long records are written by a seed after the plugin was last well.
    static let writeLifetime = Duration.seconds(180)
    private static let versions = ["v2", "v2beta1"]
    /// Seeds that are remembered; each start of a server makes one.
    private static let mostSeeds = 1000

    private struct State {
        /// What new records are sealed by.
        var writer: (source: EncryptedObject.Source, seed: [UInt8])?
        var expiry: ContinuousClock.Instant?
        /// What the plugin said first; it may not say something else later.
        var version: String?
        var problem: String? = "it was not asked yet"
        /// Opened ones of records that were read.
        var seeds: [EncryptedObject.Source: [UInt8]] = [:]
    }

    let name: String
    private let kms: KMS
    private let now: @Sendable () -> ContinuousClock.Instant
    private let state = Mutex(State())

    init(name: String, socket: String, timeout: Duration, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
        self.name = name
        self.now = now
        kms = KMS(provider: name, socket: socket, timeout: timeout)
    }

    // MARK: The plugin

    /// Asks how the plugin is, and has a new seed sealed when its key is another. One caller at a time.
    /// - Returns: what is wrong.
    @discardableResult
    func check() async -> String? {
        var problem: String?
        do { try await refresh() } catch { problem = "kmsv2 Provider \(name) is not healthy, error: \(error)" }
        state.withLock { $0.problem = problem }
        return problem
    }

    /// What was wrong when it was last asked.
    var problem: String? { state.withLock { $0.problem } }

    /// Of the key that new records depend on; `nil` as long as there is none.
    var keyID: String? { state.withLock { $0.writer?.source.keyID } }

    private func refresh() async throws {
        let status = try await kms.status()
        guard status.health == "ok" else { throw ConfigurationProblem("got unexpected healthz status: \(status.health)") }
        guard Self.versions.contains(status.version) else {
            throw ConfigurationProblem("expected KMSv2 API version v2, got \(status.version)")
        }
        let first = state.withLock { state in
            state.version = state.version ?? status.version
            return state.version
        }
        guard first == status.version else {
            throw ConfigurationProblem(
                "KMSv2 API version should not change after the initial status response version \(first ?? ""), got \(status.version)")
        }
        do { try EncryptedObject.check(keyID: status.keyID) } catch {
            EncryptionMetrics.shared.namedWrongly(by: name, status.keyID.isEmpty ? "empty" : "too_long")
            throw error
        }
        EncryptionMetrics.shared.named(status.keyID, by: name)
        if keyID != status.keyID {
            let seed = DerivedKey.random(DerivedKey.seedSize)
            let source = try await kms.encrypt(seed)
            // It changed again in between: the next time will tell.
            guard source.keyID == status.keyID else { throw ConfigurationProblem("its status and its answers are by different keys") }
            state.withLock { state in
                state.writer = (source, seed)
                remember(seed, source, &state)
            }
        }
        state.withLock { $0.expiry = now() + Self.writeLifetime }
    }

    // MARK: Records

    /// - Throws: `ConfigurationProblem` where there is no key, or the plugin has not been well for too long.
    func seal(_ bytes: [UInt8], at place: String) throws -> [UInt8] {
        let (writer, expiry, problem) = state.withLock { ($0.writer, $0.expiry, $0.problem) }
        guard let writer, let expiry else { throw ConfigurationProblem("the KMS provider \(name) has given no key: \(problem ?? "")") }
        guard now() <= expiry else {
            throw ConfigurationProblem("the key of the KMS provider \(name) expired: \(problem ?? "it was not asked for too long")")
        }
        EncryptionMetrics.shared.used(writer.source.keyID, of: name, .toStorage)
        return try EncryptedObject(writer.source, try DerivedKey.seal(bytes, seed: writer.seed, at: place)).encoded()
    }

    /// - Returns: the record, and whether it is kept as it would be written now.
    func open(_ stored: ArraySlice<UInt8>, at place: String) throws -> (bytes: [UInt8], isCurrent: Bool) {
        let object = try EncryptedObject(decoding: stored)
        let seed = try seed(object.source)
        EncryptionMetrics.shared.used(object.source.keyID, of: name, .fromStorage)
        let bytes =
            switch object.source.type {
            case .seed: try DerivedKey.open(object.data, seed: seed, at: place)
            case .key: try EncryptionProvider.open(object.data[...], key: seed, at: place)
            }
        return (bytes, object.source.type == .seed && object.source.keyID == keyID)
    }

    /// Asks the plugin for what it was not asked before. Blocks.
    private func seed(_ source: EncryptedObject.Source) throws -> [UInt8] {
        if let known = state.withLock({ $0.seeds[source] }) { return known }
        let seed: [UInt8]
        do { seed = try kms.decrypt(source) } catch { throw ConfigurationProblem("failed to decrypt DEK, error: \(error)") }
        guard source.type == .key || seed.count >= DerivedKey.seedSize else {
            throw ConfigurationProblem("invalid seed length \(seed.count) used for key generation")
        }
        state.withLock { remember(seed, source, &$0) }
        return seed
    }

    private func remember(_ seed: [UInt8], _ source: EncryptedObject.Source, _ state: inout State) {
        if state.seeds.count >= Self.mostSeeds { state.seeds.removeAll() }
        state.seeds[source] = seed
        EncryptionMetrics.shared.remembers(state.seeds.count, of: name)
    }
}
