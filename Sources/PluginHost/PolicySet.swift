/// What decides about one Pod: the policies that count, and the ones that are only listened to.
public struct PolicySet: Sendable {
    public let active: [SchedulerPolicy]
    public let shadows: [ShadowPolicy]
}

/// Where the scheduler gets its policies from.
public protocol PolicySource: Sendable {
    /// Runs `body` with the policies that run now. Until it returns, none of them is stopped, whatever is applied meanwhile; they must not
    /// be kept beyond.
    func withSchedulerPolicies<R>(_ body: (PolicySet) -> R) -> R

    /// Yields at once, and whenever other plugins of `kind` run, or one of them anew.
    func changes(of kind: ExtensionKind) -> AsyncStream<Void>
}
