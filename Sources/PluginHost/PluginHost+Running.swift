public import Client
internal import Synchronization

// What runs.
extension PluginHost: PolicySource, AdmissionSource {
    /// How every plugin is, in the order of the manifests.
    public var plugins: [PluginStatus] { entries.withLock { $0 }.map(\.status) }

    /// Of every plugin that runs or is about to, the newest one: whom to grant which rules.
    public var manifests: [PluginManifest] { entries.withLock { $0 }.filter { $0.serving != nil || $0.loaded != nil }.map(\.manifest) }

    /// The policies that decide. Their calls are refused once they were swapped out: a scheduling cycle uses `withSchedulerPolicies`.
    public var schedulerPolicies: [SchedulerPolicy] {
        serving { if case .policy(let plugin, _) = $0.plugin, $0.shadow == nil { plugin } else { nil } }
    }
    public var controllers: [ControllerPlugin] { serving { if case .controller(let plugin) = $0.plugin { plugin } else { nil } } }
    public var runtime: RuntimePlugin? { serving { if case .runtime(let plugin) = $0.plugin { plugin } else { nil } }.first }
    public var proxy: ProxyPlugin? { serving { if case .proxy(let plugin) = $0.plugin { plugin } else { nil } }.first }

    public func withSchedulerPolicies<R>(_ body: (PolicySet) -> R) -> R { roster.use(body) }

    public var admission: AdmissionReviewers { admissionRoster.current }

    /// Yields at once, and whenever the list of running plugins of that kind changed or one of them was restarted.
    public func changes(of kind: ExtensionKind) -> AsyncStream<Void> { changes.stream(of: kind) }

    private func serving<T>(_ pick: (ServingPlugin) -> T?) -> [T] { entries.withLock { $0.compactMap(\.serving) }.compactMap(pick) }
}
