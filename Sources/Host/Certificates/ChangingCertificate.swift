internal import PKI
internal import Synchronization

/// A certificate of this process that is renewed while it runs. Safe from any thread.
final class ChangingCertificate: Sendable {
    private let current: Mutex<KeyPair?>

    init(_ pair: KeyPair?) { current = Mutex(pair) }

    var pair: KeyPair? { current.withLock { $0 } }

    func use(_ new: KeyPair) { current.withLock { $0 = new } }
}
