import APIModel
import Logging

/// Where audit events go.
protocol AuditBackend: Sendable {
    var queue: AuditQueue { get }

    /// Writes what is in the queue until it is closed and empty. Called once.
    func run(_ log: Logger) async
}
