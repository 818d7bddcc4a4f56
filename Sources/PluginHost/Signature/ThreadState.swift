internal import Glibc

/// What one thread has under way: the calls it made that are not answered, and the calls it serves. Never leaves its thread.
final class ThreadState {
    /// A call that waits for its answer. Its serial is its position.
    struct Pending {
        unowned(unsafe) let peer: Peer
        unowned(unsafe) let slot: SlotDescriptor
        let arguments: Arguments
        /// When it is given up, and how long that is after its beginning: calls inside it must end by then, too.
        let deadline: Deadline?
    }
    struct Deadline {
        let instant: ContinuousClock.Instant
        let slot: String
        let limit: Duration
    }
    struct Served {
        unowned(unsafe) let peer: Peer
        unowned(unsafe) let line: any Line
    }
    var pending: [Pending] = []
    var served: [Served] = []

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        guard pthread_key_create(&key, { Unmanaged<ThreadState>.fromOpaque($0.unsafelyUnwrapped).release() }) == 0 else {
            preconditionFailure("there is no room for a thread-local value")
        }
        return key
    }()

    static var current: ThreadState {
        if let state = pthread_getspecific(key) { return Unmanaged<ThreadState>.fromOpaque(state).takeUnretainedValue() }
        let state = ThreadState()
        pthread_setspecific(key, Unmanaged.passRetained(state).toOpaque())
        return state
    }

    /// The line on which this thread serves `peer`, whose other end waits for what this thread says next.
    func line(to peer: Peer) -> (any Line)? { served.last { $0.peer === peer }?.line }
}
