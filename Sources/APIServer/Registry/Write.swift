import APIModel
import Synchronization

/// One write on its way through the registry: who asks for what, and the warnings gathered on the way.
final class Write: Sendable {
    enum Effect: Sendable {
        case commit
        /// All checks, no change.
        case dryRun
    }

    let registry: Registry
    let user: UserInfo
    let effect: Effect
    private let gathered = Mutex<[String]>([])

    init(_ registry: Registry, user: UserInfo, effect: Effect = .commit) {
        self.registry = registry
        self.user = user
        self.effect = effect
    }

    var isDryRun: Bool { effect == .dryRun }

    /// Shown to the client as a `Warning` header.
    func warn(_ text: String) {
        gathered.withLock { if !$0.contains(text) { $0.append(text) } }
    }

    var warnings: [String] { gathered.withLock { $0 } }
}
