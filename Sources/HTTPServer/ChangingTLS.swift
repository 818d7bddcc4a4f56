import Synchronization

/// What is shown to other servers, and which of them are believed, where that may change while the process runs. Safe from any thread.
public final class ChangingTLS: Sendable {
    private let tls: Mutex<Dialer.TLS?>

    public init(_ tls: Dialer.TLS?) { self.tls = Mutex(tls) }

    /// For connections from now on.
    public var current: Dialer.TLS? { tls.withLock { $0 } }

    public func use(_ new: Dialer.TLS?) { tls.withLock { $0 = new } }
}
