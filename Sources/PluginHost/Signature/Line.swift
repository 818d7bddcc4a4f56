/// What goes wrong on a line.
enum LineError: Error, Equatable {
    case lost, timedOut
    /// A message has more bytes than one may have, or all together have more than there is room for.
    case tooLong
}

/// A way to the far side for one conversation at a time, in which both sides speak in strict alternation, in messages of any length.
///
/// Used by one thread a side. After an error the line is of no more use.
protocol Line: AnyObject, Sendable {
    /// Returns when the message is on its way; waits, until `deadline` at most, where the far side has to make room for it.
    func send(_ message: [UInt8], deadline: ContinuousClock.Instant?) throws(LineError)
    /// Waits for the next message, until `deadline` at most.
    func receive(deadline: ContinuousClock.Instant?) throws(LineError) -> [UInt8]
}

/// Where a thread that is not inside a served call gets a line from.
protocol LineSource: Sendable {
    /// A line that nobody else uses, on which the far side serves. May wait for one.
    func borrow() throws(LineError) -> any Line
    /// Called once for each line that was borrowed. One on which something went wrong (`isUsable` false) must not be lent again.
    func giveBack(_ line: any Line, isUsable: Bool)
}
