/// One plugin that is asked for: its newest manifest, how far that got, and what runs for it.
struct PluginEntry: Sendable {
    var manifest: PluginManifest
    /// Of the newest manifest.
    var lifecycle = Lifecycle()
    /// The newest manifest's instance: made, and not in service yet.
    var loaded: LoadedComponent?
    /// What runs. Of an earlier manifest when the newest one failed.
    var serving: ServingPlugin?
    /// The instance that was torn down last, for its counts.
    var last: LoadedComponent?
    var isRemoved = false
    /// Of the library file, when the newest manifest was applied: tells a new file from the old one where the manifest pins none.
    var found: String?

    init(_ manifest: PluginManifest) { self.manifest = manifest }

    var candidate: Plan.Candidate {
        Plan.Candidate(manifest: manifest, isRemoved: isRemoved, isRunning: serving != nil, hasFailed: lifecycle.state == .failed)
    }

    /// The newest manifest has to be tried.
    var isUntried: Bool { [.discovered, .skipped, .stopped].contains(lifecycle.state) }

    var status: PluginStatus {
        let component = serving?.component ?? loaded ?? last
        let (violations, forbidden) = (component?.violations.value ?? (0, ""), component?.forbidden.value ?? (0, ""))
        let process = serving?.component.instance.process
        let latencies = component?.slots.map(\.snapshot) ?? []
        let (state, reason) = current
        return PluginStatus(
            name: manifest.name, kind: manifest.kind, component: manifest.component, state: state, reason: reason,
            isolation: manifest.isolation,
            library: component?.library.path ?? manifest.library, version: component?.instance.inspection?.version ?? "",
            abi: component?.instance.inspection?.abi ?? "",
            sha256: component?.library.sha256 ?? "", observedGeneration: manifest.generation, startTime: serving?.startTime,
            pid: process.flatMap { $0.pid > 0 ? $0.pid : nil },
            restarts: process?.restarts ?? 0, residentBytes: process?.residentBytes, violations: violations.0, lastViolation: violations.1,
            forbidden: forbidden.0,
            lastForbidden: forbidden.1, p99: latencies.reduce(Histogram.Snapshot.empty, +).percentile(0.99),
            slots: zip(component?.slots ?? [], latencies).map { $0.status($1) }, shadow: serving?.shadow?.status)
    }

    private var current: (PluginState, String) {
        guard lifecycle.state == .running, let serving else { return (lifecycle.state, lifecycle.reason) }
        if let reason = serving.component.restarting { return (.restarting, reason) }
        return (manifest.mode == .shadow ? .shadow : .running, "")
    }
}

/// An instance in service, and how the loops call it.
struct ServingPlugin: Sendable {
    let component: LoadedComponent
    let startTime: String
    let plugin: Wrapper
    /// Of a shadow.
    let shadow: ShadowRecord?

    enum Wrapper: Sendable {
        /// The second one is for callers that hold a lease.
        case policy(SchedulerPolicy, leased: SchedulerPolicy)
        case controller(ControllerPlugin)
        case runtime(RuntimePlugin)
        case proxy(ProxyPlugin)
        case admission(AdmissionPlugin)
        case shadowAdmission(ShadowAdmission)
    }

    init(_ component: LoadedComponent, _ threads: ThreadPool, startTime: String) {
        self.component = component
        self.startTime = startTime
        let manifest = component.manifest
        shadow = manifest.mode == .shadow ? ShadowRecord() : nil
        switch manifest.kind {
        case .schedulerPolicy: plugin = .policy(SchedulerPolicy(component, threads), leased: SchedulerPolicy(component, threads, .lease))
        case .controller: plugin = .controller(ControllerPlugin(component, manifest.controller!, threads))
        case .runtime: plugin = .runtime(RuntimePlugin(component))
        case .proxy: plugin = .proxy(ProxyPlugin(component))
        case .admission:
            let specification = manifest.admission!
            plugin =
                shadow.map { .shadowAdmission(ShadowAdmission(component, specification, threads, $0)) }
                ?? .admission(AdmissionPlugin(component, specification, threads))
        }
    }
}
