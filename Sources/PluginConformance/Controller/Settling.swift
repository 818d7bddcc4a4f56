internal import PluginHost
internal import Synchronization

/// Does with a key what the queue would.
enum Settling {
    /// Works on `key` until reconcile answers OK.
    static func finish(_ world: ControllerEnvironment, _ key: ControllerKey, _ what: String) async throws {
        try await work(world, key, what) { _ in true }
    }

    /// Works on `key` until reconcile answers OK and writes nothing.
    static func settle(_ world: ControllerEnvironment, _ key: ControllerKey, _ what: String) async throws {
        try await work(world, key, what, until: \.isEmpty)
    }

    private static func work(
        _ world: ControllerEnvironment, _ key: ControllerKey, _ what: String, until isEnd: (ArraySlice<String>) -> Bool
    ) async throws {
        var last = ""
        for _ in 0..<30 {
            let before = world.gate.written.count
            switch await world.controller.reconcile(key) {
            case .done:
                let written = world.gate.written[before...]
                if isEnd(written) { return }
                last = "OK, after \(written.joined(separator: ", "))"
            case .retry(let message): last = "RETRY\(message.map { " (\"\($0)\")" } ?? "")"
            case .failed(let message): last = "an error: \(message)"
            }
        }
        throw Failure(
            "after thirty calls reconcile has not come to rest for \(what); compare before you write, and answer OK when there is nothing to do; the last answer was \(last)"
        )
    }
}

/// A set of names, filled from any task.
final class Names: Sendable {
    private let names = Mutex<Set<String>>([])
    func add(_ name: String) { _ = names.withLock { $0.insert(name) } }
    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
    var isEmpty: Bool { names.withLock { $0.isEmpty } }
}
