internal import PluginAPI

/// What a child process may keep of the host's rights.
struct Confinement: Sendable, Equatable {
    /// User and group.
    var user: UInt32
    /// Bit set of Linux capabilities.
    var capabilities: UInt64
    /// Whether it is in the host's network; otherwise in one of its own without any interface, where the system lets the host make one.
    var hasNetwork: Bool

    static func of(_ kind: ExtensionKind) -> Confinement { table[kind]! }

    /// `nobody`.
    private static let nobody: UInt32 = 65534
    private static let netAdmin: UInt64 = 1 << 12
    private static let netRaw: UInt64 = 1 << 13

    private static let table: [ExtensionKind: Confinement] = [
        .schedulerPolicy: Confinement(user: nobody, capabilities: 0, hasNetwork: false),
        .controller: Confinement(user: nobody, capabilities: 0, hasNetwork: false),
        .proxy: Confinement(user: nobody, capabilities: netAdmin | netRaw, hasNetwork: true),
        // The runtime's socket is root's; whoever may use it needs no capability of his own. Port-forwards are dialled in the host's
        // network.
        .runtime: Confinement(user: 0, capabilities: 0, hasNetwork: true),
    ]
}
