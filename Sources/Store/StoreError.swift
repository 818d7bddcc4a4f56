/// Why the store refused or failed.
public struct StoreError: Error, Sendable, CustomStringConvertible {
    public enum Code: Sendable {
        /// The object is not what was expected; `current` is the newest state, `nil` where there is none.
        case conflict(current: Record?)
        /// A create found an object.
        case exists(Record)
        case notFound
        /// The revision is older than the history that is kept: list again.
        case compacted
        /// The revision has not been reached yet.
        case future
        case closed
        /// The file could not be opened, read or written.
        case engine
    }

    public var code: Code
    /// What happened, and for `.engine` what the operator can do.
    public var message: String

    public init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }

    static let closed = StoreError(code: .closed, message: "the store is closed")
    static func notFound(_ key: RecordKey) -> StoreError { StoreError(code: .notFound, message: "there is no \(key)") }
    static func compacted(_ revision: UInt64, oldest: UInt64) -> StoreError {
        StoreError(code: .compacted, message: "revision \(revision) is no longer kept, the oldest is \(oldest)")
    }
}
