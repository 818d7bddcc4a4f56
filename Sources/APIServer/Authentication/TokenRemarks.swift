/// What is to be told of a token besides whose it is: to its bearer, and to those who read what happened.
public struct TokenRemarks: Sendable, Hashable {
    public var warnings: [String] = []
    /// Of the audit event.
    public var annotations: [String: String] = [:]

    public init() {}

    mutating func add(_ others: TokenRemarks) {
        warnings += others.warnings
        annotations.merge(others.annotations) { old, _ in old }
    }
}
