import Synchronization

/// By which mode each user acted as somebody else last: it will most likely do so again, and asking the others first would cost a question
/// to every authorizer. Safe from any thread.
final class LastModes: Sendable {
    /// How many users are remembered; more than that, and all are forgotten.
    private static let limit = 10_000

    private let modes = Mutex<[String: ImpersonationMode]>([:])

    func note(_ mode: ImpersonationMode, for user: String) {
        modes.withLock { modes in
            guard modes[user] != mode else { return }
            if modes.count >= Self.limit { modes = [:] }
            modes[user] = mode
        }
    }

    /// The modes in the order in which they are tried.
    func order(for user: String) -> [ImpersonationMode] {
        guard let last = modes.withLock({ $0[user] }) else { return ImpersonationMode.allCases }
        return [last] + ImpersonationMode.allCases.filter { $0 != last }
    }
}
