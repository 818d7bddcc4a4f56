import APIModel
import FileSystem
import Synchronization

/// The file in which a manager of the node's resources keeps what it gave away. Safe from any task.
final class ManagerState: Sendable {
    /// `CPU`
    private let manager: String
    private let policy: String
    private let path: String
    private let disk: BlockingWork
    private let turns = KeyedTurns()
    /// What the file holds.
    private let written = Mutex<[UInt8]>([])

    /// - Parameter policy: by which the manager gives things away; one of another policy is not taken over.
    init(_ manager: String, path: String, policy: String, disk: BlockingWork) {
        (self.manager, self.path, self.policy, self.disk) = (manager, path, policy, disk)
    }

    /// Has an earlier kubelet's taken over, if there is one. Throws when the manager cannot go on from there.
    func load(_ restore: (Value) throws(ConfigurationError) -> Void) async throws {
        let path = path
        guard let text = try await disk.run({ try Files.textIfThere(path) }) else { return }
        let file = (try? JSON.decode(Array(text.utf8))) ?? .null
        do throws(ConfigurationError) {
            let before = file["policyName"].string ?? ""
            if before != policy {
                throw ConfigurationError(message: "configured policy \"\(policy)\" differs from state checkpoint policy \"\(before)\"")
            }
            try restore(file)
        } catch {
            throw ConfigurationError(
                message:
                    "could not restore state from checkpoint: \(error.message), please drain this node and delete the \(manager) manager checkpoint file \"\(path)\" before restarting Kubelet"
            )
        }
    }

    /// Writes what there is now.
    func save(_ content: @Sendable () -> [UInt8]) async throws {
        let path = path
        try await turns.run("file") {
            let bytes = content()
            guard bytes != written.withLock({ $0 }) else { return }
            try await disk.run { try Files.replace(path, bytes, mode: 0o600) }
            written.withLock { $0 = bytes }
        }
    }
}
