public import Client

/// What is written down of requests, and where.
public struct AuditConfiguration: Sendable {
    public enum Format: String, CaseIterable, Sendable { case json, legacy }

    /// When a request goes on.
    public enum Mode: String, CaseIterable, Sendable {
        /// At once; events are kept in batches later, and lost where there are too many.
        case batch
        /// It is answered when what there is to tell of it is kept, or cannot be.
        case blocking
        /// The same, and it is refused where its beginning cannot be kept.
        case blockingStrict = "blocking-strict"
    }

    /// How events are gathered in the mode `batch`.
    public struct Batching: Sendable {
        /// How many may wait.
        public var bufferSize = 10_000
        /// How many are kept at once.
        public var maxSize: Int
        /// For how long events wait for others.
        public var maxWait: Duration
        /// How many batches go in a second, and how many at once after a rest; `nil`: as many as there are.
        public var throttle: Throttle?

        public init(maxSize: Int, maxWait: Duration, throttle: Throttle?) {
            self.maxSize = maxSize
            self.maxWait = maxWait
            self.throttle = throttle
        }
    }

    public struct Throttle: Sendable {
        public var perSecond: Double
        public var burst: Int

        public init(perSecond: Double, burst: Int) {
            self.perSecond = perSecond
            self.burst = burst
        }
    }

    /// What becomes of what is large, in bytes.
    public struct Truncation: Sendable {
        /// An event loses its objects past this size, and is lost if that does not help.
        public var maxEventSize: Int
        /// What is kept at once is divided.
        public var maxBatchSize: Int

        public init(maxEventSize: Int, maxBatchSize: Int) {
            self.maxEventSize = maxEventSize
            self.maxBatchSize = maxBatchSize
        }
    }

    /// How events get to where they are kept.
    public struct Delivery: Sendable {
        public var mode: Mode
        public var batching: Batching
        /// `nil`: all are kept as they are.
        public var truncation: Truncation?

        public init(mode: Mode, batching: Batching) {
            self.mode = mode
            self.batching = batching
        }
    }

    /// A file of lines.
    public struct Log: Sendable {
        /// `-` is standard output.
        public var path: String
        public var delivery = Delivery(mode: .blocking, batching: Batching(maxSize: 1, maxWait: .zero, throttle: nil))
        public var format = Format.json
        /// Bytes past which the file is put aside. `nil`: never.
        public var maxSize: Int64? = 100 << 20
        /// How many files that were put aside are kept, and for how many days. `nil` keeps them all.
        public var maxBackups: Int? = 100
        public var maxAge: Int? = 366
        /// Whether they are kept in gzip.
        public var isCompressed = false

        public init(path: String) { self.path = path }
    }

    /// A server that takes lists of events.
    public struct Webhook: Sendable {
        public var server: ClientConfiguration
        public var delivery = Delivery(
            mode: .batch, batching: Batching(maxSize: 400, maxWait: .seconds(30), throttle: Throttle(perSecond: 10, burst: 15)))
        public var initialBackoff = Duration.seconds(10)

        public init(server: ClientConfiguration) { self.server = server }
    }

    public var policy: AuditPolicy
    public var log: Log?
    public var webhook: Webhook?

    public init(policy: AuditPolicy) { self.policy = policy }
}
