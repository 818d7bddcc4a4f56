/// What there is to say about one plugin, at one moment.
public struct PluginStatus: Sendable {
    public var name: String
    public var kind: ExtensionKind
    public var component: String
    public var state: PluginState
    /// Why it is skipped or failed; empty otherwise.
    public var reason: String
    /// The library's path, or its file name while it is not loaded.
    public var library: String
    /// What the library says of itself; empty while it is not loaded.
    public var version: String
    public var slots: [Slot]

    public var calls: UInt64 { slots.reduce(0) { $0 + $1.calls } }
    public var errors: UInt64 { slots.reduce(0) { $0 + $1.errors } }

    public struct Slot: Sendable {
        public var name: String
        public var calls: UInt64
        public var errors: UInt64
        /// Of all calls together.
        public var nanoseconds: UInt64
    }
}
