import Synchronization

/// What was done to one cluster: the journal's input, a line an operation.
final class OperationLog: Sendable {
    private let subject: String
    private let journal: Journal
    private let lines = Mutex<[UInt8]>([])

    init(_ subject: String, _ journal: Journal) {
        (self.subject, self.journal) = (subject, journal)
        journal.set(subject: subject, input: [])
    }

    /// Before it is done.
    func append(_ operation: Operation) {
        let lines = lines.withLock { lines in
            lines += operation.line + [UInt8(ascii: "\n")]
            return lines
        }
        journal.set(subject: subject, input: lines)
    }
}
