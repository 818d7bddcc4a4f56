public import Client

/// What is written down of requests, and where.
public struct AuditConfiguration: Sendable {
    public enum Format: String, CaseIterable, Sendable { case json, legacy }

    /// A file of lines.
    public struct Log: Sendable {
        /// `-` is standard output.
        public var path: String
        public var format = Format.json
        /// Bytes past which the file is put aside.
        public var maxSize: Int64 = 100 << 20
        /// How many files that were put aside are kept, and for how many days. `nil` keeps them all.
        public var maxBackups: Int?
        public var maxAge: Int?

        public init(path: String) { self.path = path }
    }

    /// A server that takes lists of events.
    public struct Webhook: Sendable {
        public var server: ClientConfiguration
        public var batchSize = 400
        public var batchWait = Duration.seconds(30)
        public var bufferSize = 10_000
        public var initialBackoff = Duration.seconds(10)

        public init(server: ClientConfiguration) { self.server = server }
    }

    public var policy: AuditPolicy
    public var log: Log?
    public var webhook: Webhook?

    public init(policy: AuditPolicy) { self.policy = policy }
}
