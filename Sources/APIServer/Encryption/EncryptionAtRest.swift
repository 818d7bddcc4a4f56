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
        var stale: Set<Key> = []
        /// Per collection whose writing key changed while the server ran: everything up to this revision.
        var staleUpTo: [String: UInt64] = [:]
    }

    private let state: Mutex<State>

    public init(_ configuration: EncryptionConfiguration) { state = Mutex(State(configuration: configuration)) }

    // MARK: Records

    public func toStorage(_ bytes: [UInt8], of key: Key) throws -> [UInt8] {
        let entry = state.withLock { state in
            state.stale.remove(key)
            return state.configuration.entry(for: key.collection)
        }
        guard let writer = entry?.providers.first else { return bytes }
        return try writer.seal(bytes, at: key.description)
    }

    public func fromStorage(_ stored: [UInt8], of key: Key) throws -> [UInt8] {
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
        if index > 0 { state.withLock { _ = $0.stale.insert(key) } }
        do {
            return try providers[index].open(stored, at: key.description)
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
                guard old?.providers.first?.prefix != new?.providers.first?.prefix else { continue }
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

    /// Looks every `interval`, which is longer than any commit takes, whether the file says something else, until the task is cancelled. What
    /// cannot be used is told, and what was used before goes on.
    public func reload(_ path: String, every interval: Duration, store: Store, log: Logger) async {
        let file = WatchedFile(path)
        await WatchedFile.follow("encryption configuration", in: [path], every: interval, log: log) {
            settle(at: store.revision)
            guard let text = try await file.change() else { return false }
            use(try EncryptionConfiguration(text), collections: Array(store.collections().keys))
            return true
        }
    }
}
