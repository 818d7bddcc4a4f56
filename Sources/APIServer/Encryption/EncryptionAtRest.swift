import APIModel
public import Logging
import NIOPosix
public import Store
import Synchronization

/// Keeps the records of some resources encrypted, as a configuration says that may change while the server runs. Safe from any thread.
public final class EncryptionAtRest: Transformer {
    private struct State {
        var configuration: EncryptionConfiguration
        /// Records that were read with another key than the one that writes, until they are written again.
        var stale: Set<RecordKey> = []
        /// Per collection whose writing key changed while the server ran: everything up to this revision.
        var staleUpTo: [String: UInt64] = [:]
    }

    private let state: Mutex<State>
    /// Whether there is a check of the plugins' health: where there are some, and where there may be some later.
    let hasHealthCheck: Bool

    /// - Parameter isReloaded: whether the configuration is read again.
    public init(_ configuration: EncryptionConfiguration, isReloaded: Bool = false) {
        state = Mutex(State(configuration: configuration))
        hasHealthCheck = isReloaded || !configuration.services.isEmpty
    }

    // MARK: Records

    public func toStorage(_ bytes: [UInt8], of key: RecordKey) throws -> [UInt8] {
        let entry = state.withLock { state in
            state.stale.remove(key)
            return state.configuration.entry(for: key.collection)
        }
        guard let writer = entry?.providers.first else { return bytes }
        return try EncryptionMetrics.shared.measure(.toStorage, key, writer) { try writer.seal(bytes, at: key.description) }
    }

    public func fromStorage(_ stored: [UInt8], of key: RecordKey) throws -> [UInt8] {
        let entry = state.withLock { $0.configuration.entry(for: key.collection) }
        let providers = entry?.providers ?? []
        guard let index = providers.firstIndex(where: { $0.wrote(stored) }) else {
            guard stored.starts(with: "k8s:enc:".utf8) else {
                state.withLock { if entry != nil { $0.stale.insert(key) } }
                // Written before anybody asked for encryption. That it may be read so, `identity` has to say.
                guard entry == nil else {
                    throw ConfigurationProblem("identity transformer tried to read plain data, but is not configured")
                }
                return stored
            }
            let name = String(decoding: stored.prefix { $0 != UInt8(ascii: "{") }.prefix(64), as: UTF8.self).split(separator: ":").prefix(5)
            throw ConfigurationProblem(
                "no provider of the encryption configuration reads what \(name.joined(separator: ":")) wrote; give its key back")
        }
        do {
            return try EncryptionMetrics.shared.measure(.fromStorage, key, providers[index]) {
                let (bytes, isCurrent) = try providers[index].open(stored, at: key.description)
                if index > 0 || !isCurrent { state.withLock { _ = $0.stale.insert(key) } }
                return bytes
            }
        } catch {
            throw ConfigurationProblem("the key of provider \(index + 1) does not decrypt it: \(error)")
        }
    }

    /// Whether a record is kept in another way than it would be written now, so that even a write that changes nothing is one.
    func isStale(_ record: Record) -> Bool {
        state.withLock { $0.stale.contains(record.key) || record.revision <= $0.staleUpTo[record.key.collection] ?? 0 }
    }

    // MARK: Changes

    /// From now on writes by another configuration. What is there of collections whose writing key is another now counts as stale.
    func use(_ configuration: EncryptionConfiguration, collections: [String]) {
        state.withLock { state in
            for collection in collections {
                let (old, new) = (state.configuration.entry(for: collection), configuration.entry(for: collection))
                guard old?.providers.first?.writer != new?.providers.first?.writer else { continue }
                state.staleUpTo[collection] = .max
            }
            state.configuration = configuration
        }
    }

    /// Nothing that was under way when the configuration changed is any more: what comes after `revision` is by the new one.
    func settle(at revision: UInt64) {
        state.withLock { state in
            for (collection, bound) in state.staleUpTo where bound == .max { state.staleUpTo[collection] = revision }
        }
    }

    // MARK: Keys of plugins

    /// Asks the plugins for their keys; before the first record is read or written.
    /// - Returns: what is wrong with which.
    public func prepare() async -> [String] { await Self.check(state.withLock { $0.configuration.services }) }

    /// What is wrong with which plugin, as it was when they were last asked.
    var problem: String? {
        let services = state.withLock { $0.configuration.services }
        let problems = services.enumerated().compactMap { index, service in service.problem.map { "kms-provider-\(index): \($0)" } }
        return problems.isEmpty ? nil : problems.joined(separator: ", ")
    }

    private static func check(_ services: [KeyService]) async -> [String] {
        var problems: [String] = []
        for service in services { if let problem = await service.check() { problems.append(problem) } }
        return problems
    }

    /// Asks the plugins how they are, those that are unwell alone or all. What one has written by a former key counts as stale.
    func refresh(all: Bool, collections: [String]) async -> [String] {
        let services = state.withLock { $0.configuration.services }
        let asked = services.filter { all || $0.problem != nil }
        let before = asked.map(\.keyID)
        let problems = await Self.check(asked)
        let changed = zip(asked, before).filter { $0.keyID != $1 }.map(\.0)
        guard !changed.isEmpty else { return problems }
        state.withLock { state in
            for collection in collections {
                guard let writer = state.configuration.entry(for: collection)?.providers.first?.service,
                    changed.contains(where: { $0 === writer })
                else { continue }
                state.staleUpTo[collection] = .max
            }
        }
        return problems
    }

    /// How often something is looked at: longer than any commit takes.
    private static let interval = Duration.seconds(10)
    /// How many intervals lie between two looks at what is well.
    private static let rounds = 6

    /// Keeps the plugins' keys up to date, and reads the file again when it changes, until the task is cancelled. What cannot be used is told,
    /// and what was used before goes on.
    /// - Parameter path: `nil` for a file that is not read again.
    public func follow(_ path: String?, store: Store, log: Logger) async {
        let file = path.map(WatchedFile.init)
        var round = 0
        while (try? await Task.sleep(for: Self.interval)) != nil {
            round = (round + 1) % Self.rounds
            settle(at: store.revision)
            let collections = Array(store.collections().keys)
            for problem in await refresh(all: round == 0, collections: collections) { log.error("\(problem)") }
            guard round == 0, let file else { continue }
            do {
                let isRead = try await EncryptionMetrics.shared.reloads.measure {
                    guard let text = try await file.change() else { return false }
                    let next = try EncryptionConfiguration(text)
                    if let problem = await Self.check(next.services).first { throw ConfigurationProblem(problem) }
                    use(next, collections: collections)
                    return true
                }
                if isRead { log.notice("the encryption configuration was read again") }
            } catch {
                if Task.isCancelled { return }
                log.error("the encryption configuration is not used: \(error)", metadata: ["path": "\(path ?? "")"])
            }
        }
    }
}
