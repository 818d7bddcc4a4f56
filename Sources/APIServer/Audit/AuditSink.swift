/// What keeps events in the end. Safe from any task.
protocol AuditSink: Sendable {
    /// One event, as it is kept.
    func encode(_ event: AuditEvent) -> [UInt8]

    /// Returns when the events are kept. What is not, is told and counted here.
    /// - Throws: when they are not.
    func write(_ events: [[UInt8]]) async throws

    /// Begins to keep an event; `nil` where that cannot be without waiting for it.
    func begin(_ event: [UInt8]) -> AuditLog.Ticket?

    /// Returns when all that was begun is kept.
    func settle() async
}

extension AuditSink {
    func begin(_ event: [UInt8]) -> AuditLog.Ticket? { nil }
    func settle() async {}
}
