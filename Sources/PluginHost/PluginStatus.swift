/// What there is to say about one plugin, at one moment.
public struct PluginStatus: Sendable {
    public var name: String
    public var kind: ExtensionKind
    public var component: String
    public var state: PluginState
    /// Why it is skipped, failed or being restarted; empty otherwise.
    public var reason: String
    public var isolation: PluginManifest.Isolation
    /// The library's path, or its file name while it is not loaded.
    public var library: String
    /// What the library says of itself; empty while it is not loaded.
    public var version: String
    /// The plugin ABI the library was built for, `1.0`; empty while it is not loaded.
    public var abi: String
    /// Of the library that runs, 64 hexadecimal digits; empty while it is not loaded.
    public var sha256: String
    /// The `metadata.generation` of the manifest this speaks of; `nil` for one that came from a file.
    public var observedGeneration: Int64?
    /// When what runs was started, as the API writes times; `nil` while nothing runs.
    public var startTime: String?
    /// Of the plugin's own process; `nil` without isolation.
    public var pid: Int32?
    public var restarts: Int
    public var residentBytes: UInt64?
    /// Breaches of the plugin contract that were refused: calls in a wrong state or from a wrong thread, answers that make no sense.
    public var violations: UInt64
    /// The newest of them; empty without any.
    public var lastViolation: String
    /// API calls that the manifest's rules do not allow.
    public var forbidden: UInt64
    public var lastForbidden: String
    /// Over all slots; `nil` while there was no call.
    public var p99: Duration?
    public var slots: [Slot]
    /// Of a running shadow.
    public var shadow: ShadowStatus?

    public var calls: UInt64 { slots.reduce(0) { $0 + $1.calls } }
    public var errors: UInt64 { slots.reduce(0) { $0 + $1.errors } }
    /// Calls that took longer than their deadline.
    public var late: UInt64 { slots.reduce(0) { $0 + $1.late } }

    public struct Slot: Sendable {
        public var name: String
        public var calls: UInt64
        public var errors: UInt64
        public var late: UInt64
        /// Of all calls together.
        public var nanoseconds: UInt64
        /// `nil` while there was no call.
        public var p50: Duration?
        public var p99: Duration?
    }
}

/// How a shadow's decisions compare with the active ones.
public struct ShadowStatus: Sendable, Equatable {
    /// Pods or requests that both decided about.
    public var decided: Int
    public var differed: Int
    /// The newest ten that differed, oldest first.
    public var examples: [Example]

    public struct Example: Sendable, Equatable {
        /// The Pod as namespace/name, or the request.
        public var subject: String
        public var active: String
        public var activeReason: String
        public var candidate: String
        public var candidateReason: String
    }
}
