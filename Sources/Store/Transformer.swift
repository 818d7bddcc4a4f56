/// Turns what an engine keeps into something else, and back: encryption at rest. Asked for every record that is written or loaded, on the
/// engine's thread, where it may take its time.
public protocol Transformer: Sendable {
    /// What is kept of a record.
    /// - Throws: when it cannot be kept so; then nothing is written.
    func toStorage(_ bytes: [UInt8], of key: RecordKey) throws -> [UInt8]

    /// What was kept.
    /// - Throws: what the operator must know to get at it again.
    func fromStorage(_ stored: [UInt8], of key: RecordKey) throws -> [UInt8]
}
