/// Holds back a connection's reads while a request body is not taken. NIO asks for one read at a time, so at most one is owed.
///
/// Says what to do and does nothing itself: a read can come back with data before it returns.
struct ReadGate {
    private var isPaused = false
    private var isReadOwed = false

    mutating func pause() { isPaused = true }

    /// For the handler's `read`: whether to pass it on now.
    mutating func mayRead() -> Bool {
        if isPaused { isReadOwed = true }
        return !isPaused
    }

    /// Whether a read is owed, which the caller makes up for now.
    mutating func resume() -> Bool {
        isPaused = false
        defer { isReadOwed = false }
        return isReadOwed
    }
}
