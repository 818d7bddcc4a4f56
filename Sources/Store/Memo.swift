import Synchronization

/// One slot for something that readers derive from an immutable value and share.
final class Memo: Sendable {
    private let slot: Mutex<(any AnyObject & Sendable)?>

    init(_ value: (any AnyObject & Sendable)? = nil) { slot = Mutex(value) }

    /// What is in the slot. `make` runs, with the slot locked, when the slot is empty or holds another type: it must not ask for the same
    /// memo.
    func value<T: AnyObject & Sendable>(_ make: () -> T) -> T {
        slot.withLock { slot in
            if let value = slot {
                // The exact type is the rule; a dynamic cast costs several times more.
                if ObjectIdentifier(type(of: value as AnyObject)) == ObjectIdentifier(T.self) { return unsafeDowncast(value, to: T.self) }
                if let value = value as? T { return value }
            }
            let value = make()
            slot = value
            return value
        }
    }

    /// Lets go of what is in the slot. Readers keep what they hold.
    func drop() { slot.withLock { $0 = nil } }
}
