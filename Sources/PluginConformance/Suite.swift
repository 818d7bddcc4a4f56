public import PluginHost

/// The named checks of each kind.
public enum Suite {
    /// All checks for plugins of a kind, in the order in which they run: first those of every component.
    public static func checks(of kind: ExtensionKind) -> [Check] { LifeCycle.checks + (own[kind] ?? []) }

    private static let own: [ExtensionKind: [Check]] = [
        .schedulerPolicy: PrefilterChecks.all + FilterChecks.all + ScoreChecks.all + PermitChecks.all + QueueChecks.all,
        .controller: ControllerChecks.all, .runtime: RuntimeChecks.all, .proxy: ProxyChecks.all,
        .admission: AdmissionChecks.all,
    ]

    /// Runs the checks one after another with `run`. A library that the host refuses to load fails the first check, and the others are left
    /// out.
    /// - Parameter heard: is told each outcome when it is there.
    public static func run(
        _ plugin: PluginUnderTest, only: Set<String> = [], heard: (String, Report.Outcome) -> Void = { _, _ in },
        with run: (Check) async -> Report.Outcome
    ) async -> Report {
        var report = Report()
        for check in checks(of: plugin.kind) where only.isEmpty || only.contains(check.name) {
            let outcome = await run(check)
            report.checks.append((check.name, outcome))
            heard(check.name, outcome)
            if check.name == LifeCycle.loads, case .failed = outcome { break }
        }
        return report
    }
}

/// Tries a scheduler policy in this process.
public func checkSchedulerPolicy(_ plugin: PluginUnderTest) async -> Report { await checkHere(plugin, is: .schedulerPolicy) }
/// Tries a controller in this process, against a real API server of its own.
public func checkController(_ plugin: PluginUnderTest) async -> Report { await checkHere(plugin, is: .controller) }
/// Tries a runtime in this process.
public func checkRuntime(_ plugin: PluginUnderTest) async -> Report { await checkHere(plugin, is: .runtime) }
/// Tries a proxy in this process, in a network namespace of its own.
public func checkProxy(_ plugin: PluginUnderTest) async -> Report { await checkHere(plugin, is: .proxy) }
/// Tries an admission plugin in this process.
public func checkAdmission(_ plugin: PluginUnderTest) async -> Report { await checkHere(plugin, is: .admission) }

/// Tries a plugin in this process, with the suite of its kind.
public func check(_ plugin: PluginUnderTest) async -> Report { await Suite.run(plugin) { await $0.run(plugin) } }

private func checkHere(_ plugin: PluginUnderTest, is kind: ExtensionKind) async -> Report {
    guard plugin.kind == kind else {
        return Report(checks: [
            (LifeCycle.loads, .failed("the manifest says kind \(plugin.kind.rawValue), and this is the suite for \(kind.rawValue)"))
        ])
    }
    return await check(plugin)
}
