internal import APIModel
internal import Logging
internal import Synchronization

// From what should run to what does, one step at a time. All of it in a turn, or in `load`.
extension PluginHost {
    enum Step {
        case create(Int)
        case start(Int, LoadedComponent)
        case retire([Leaving])
    }

    /// An instance that was taken out of service, or never was in it.
    struct Leaving: Sendable {
        let component: LoadedComponent
        /// What took its place.
        let successor: ServingPlugin?
    }

    /// Takes steps until what runs is what should. The errors of required plugins are thrown when it is strict.
    func settle(isStrict: Bool) async throws {
        while let step = nextStep(mayStart: true) {
            do {
                switch step {
                case .create(let index): try await threads.lifeCycle.run { Result { try self.create(index) } }.get()
                case .start(let index, let component): try await start(index, component)
                case .retire(let leaving): await retire(leaving)
                }
            } catch {
                if isStrict { throw error }
            }
        }
    }

    /// What is to be done next. What should run is brought up first, and only when nothing is left to try, what should not is taken down: a
    /// replacement that fails leaves what it would have replaced as it is.
    func nextStep(mayStart: Bool) -> Step? {
        let (step, told) = entries.withLock { entries -> (Step?, [PluginNotice]) in
            let plan = Plan(entries.map(\.candidate), configuration.rules)
            let wanted = entries.indices.filter { plan.verdicts[$0] == .run }
            if let index = wanted.first(where: { entries[$0].isUntried }) { return (.create(index), []) }
            if mayStart {
                // Those who judge what the others write begin first.
                let judges = wanted.filter { entries[$0].manifest.kind == .admission }
                for index in judges + wanted where entries[index].lifecycle.state == .loaded {
                    if let component = entries[index].loaded { return (.start(index, component), []) }
                }
            }
            let (leaving, told) = dismiss(&entries, plan, successor: nil, isAfterStart: mayStart)
            return leaving == nil ? (nil, []) : (.retire(leaving ?? []), told)
        }
        for notice in told { notices.post(notice) }
        return step
    }

    /// Marks what should not run as skipped and takes it out of service. `nil` when there is nothing to mark.
    private func dismiss(_ entries: inout [PluginEntry], _ plan: Plan, successor: ServingPlugin?, isAfterStart: Bool) -> (
        [Leaving]?, [PluginNotice]
    ) {
        var leaving: [Leaving] = []
        var told: [PluginNotice] = []
        var isChanged = false
        for index in entries.indices {
            guard case .skip(let reason) = plan.verdicts[index] else { continue }
            let entry = entries[index]
            let isSettled = entry.lifecycle.state == .skipped && entry.lifecycle.reason == reason
            guard !isSettled || entry.serving != nil || entry.loaded != nil else { continue }
            isChanged = true
            if let serving = entry.serving {
                told.append(PluginNotice(plugin: entry.manifest.name, isWarning: false, reason: .stopped, message: "stopped: \(reason)"))
                leaving.append(
                    Leaving(
                        component: serving.component,
                        successor: successor.flatMap { $0.component.manifest.kind == entry.manifest.kind ? $0 : nil }))
            } else if isAfterStart, !isSettled {
                told.append(PluginNotice(plugin: entry.manifest.name, isWarning: false, reason: .skipped, message: reason))
            }
            if let loaded = entry.loaded { leaving.append(Leaving(component: loaded, successor: nil)) }
            entries[index].last = entry.serving?.component ?? entry.last
            (entries[index].serving, entries[index].loaded) = (nil, nil)
            entries[index].lifecycle = Lifecycle()
            _ = entries[index].lifecycle.apply(.skip, reason: reason)
        }
        if isChanged { updateRosters(entries) }
        return (isChanged ? leaving : nil, told)
    }

    /// Tells those who take plugins from lists, whatever changed about `entries`.
    func updateRosters(_ entries: [PluginEntry]) {
        roster.update(entries.compactMap(\.serving).filter { $0.component.manifest.kind == .schedulerPolicy })
        admissionRoster.update(entries, Plan(entries.map(\.candidate), configuration.rules))
    }

    /// Makes the instance of the newest manifest. Blocks.
    func create(_ index: Int) throws {
        let manifest = entries.withLock { entries in
            entries[index].lifecycle = Lifecycle()
            return entries[index].manifest
        }
        do {
            let component = try LoadedComponent(manifest, configuration, log: log) { [weak self] in self?.heard($0, manifest) }
            entries.withLock { entries in
                _ = entries[index].lifecycle.apply(.create)
                entries[index].loaded = component
                entries[index].found = component.library.sha256
            }
        } catch {
            let found = try? Library.find(manifest, directories: configuration.libraryDirectories).sha256
            let goesOn = entries.withLock { entries in
                _ = entries[index].lifecycle.apply(.createFailed, reason: Self.reason(error))
                entries[index].found = found
                updateRosters(entries)
                return entries[index].serving != nil
            }
            try report(error, manifest, goesOn: goesOn)
        }
    }

    /// Starts an instance and, when that works, puts it into service in place of what it takes over from: nobody sees a moment with both or
    /// none.
    private func start(_ index: Int, _ component: LoadedComponent) async throws {
        guard let services = services.withLock({ $0 }) else { return }
        let manifest = component.manifest
        do {
            try await threads.lifeCycle.run { Result { try component.start(services) } }.get()
        } catch {
            let goesOn = entries.withLock { entries in
                _ = entries[index].lifecycle.apply(.startFailed, reason: Self.reason(error))
                entries[index].loaded = nil
                entries[index].last = component
                updateRosters(entries)
                return entries[index].serving != nil
            }
            await threads.lifeCycle.run { component.tearDown(.prompt) }
            return try report(error, manifest, goesOn: goesOn)
        }
        let serving = ServingPlugin(component, threads[manifest.kind], startTime: Timestamp.now())
        let (leaving, told) = entries.withLock { entries -> ([Leaving], [PluginNotice]) in
            let before = entries[index].serving
            _ = entries[index].lifecycle.apply(.start)
            (entries[index].serving, entries[index].loaded) = (serving, nil)
            let plan = Plan(entries.map(\.candidate), configuration.rules)
            var (leaving, told) = dismiss(&entries, plan, successor: serving, isAfterStart: true)
            if let before { leaving = [Leaving(component: before.component, successor: serving)] + (leaving ?? []) }
            updateRosters(entries)
            let replaced = (leaving ?? []).map { "\($0.component.manifest.name) \($0.component.versionText)" }
            told.append(
                PluginNotice(
                    plugin: manifest.name, isWarning: false, reason: replaced.isEmpty ? .started : .swapped,
                    message: (replaced.isEmpty
                        ? "\(component.versionText) runs" : "\(component.versionText) took over from \(replaced.joined(separator: ", "))")
                        + (component.instance.caveat.map { ", isolated \($0)" } ?? "")))
            return (leaving ?? [], told)
        }
        log.debug("plugin \(manifest.name) is running")
        for notice in told { notices.post(notice) }
        changes.tell([manifest.kind])
        await retire(leaving)
    }

    /// Tells the loops, lets calls under way end, and ends the instances.
    private func retire(_ leaving: [Leaving]) async {
        changes.tell(Set(leaving.map(\.component.manifest.kind)))
        for leaving in leaving { await retire(leaving) }
    }

    private func retire(_ leaving: Leaving) async {
        let (component, manifest) = (leaving.component, leaving.component.manifest)
        // Without a proxy loop there is nobody to carry traffic for, and nobody to wait for.
        if manifest.kind == .proxy, case .proxy(let next)? = leaving.successor?.plugin, changes.hasListener(of: .proxy) {
            let isSynced = await threads.lifeCycle.run { next.waitUntilSynced(seconds: 30) }
            if !isSynced {
                log.warning("proxy \(next.name) has not taken over yet; what \(manifest.name) put in place stays")
            } else if let successor = leaving.successor, !component.isSameComponent(as: successor.component) {
                // What the old one put in place would otherwise stay for ever; the same component's new version took it over.
                await cleanUp(component)
            }
        }
        if manifest.kind == .controller, manifest.isOfNode, leaving.successor.map({ component.isSameComponent(as: $0.component) }) != true {
            await cleanUp(component)
        }
        await threads.lifeCycle.run { component.tearDown(.graceful) }
    }

    private func cleanUp(_ component: LoadedComponent) async {
        let result = await threads.lifeCycle.run { Result { try component.cleanUp() } }
        if case .failure(let error) = result { log.warning("\(error)") }
    }

    private func heard(_ notice: InstanceNotice, _ manifest: PluginManifest) {
        switch notice {
        case .crashed(let reason, let after, let crash):
            notices.post(
                PluginNotice(
                    plugin: manifest.name, isWarning: true, reason: .crashed, message: "\(reason); it is started again after \(after)",
                    crash: crash))
        case .restarted:
            notices.post(
                PluginNotice(plugin: manifest.name, isWarning: false, reason: .restarted, message: "it runs again, in a new process"))
            changes.tell([manifest.kind])
        }
    }

    /// A required plugin's error is thrown; every error is logged and told.
    private func report(_ error: any Error, _ manifest: PluginManifest, goesOn: Bool) throws {
        notices.post(
            PluginNotice(
                plugin: manifest.name, isWarning: true, reason: .failed,
                message: Self.reason(error) + (goesOn ? "; what ran before goes on" : "")))
        if manifest.required { throw error }
        log.error("\(error)")
    }

    private static func reason(_ error: any Error) -> String { (error as? PluginError)?.message ?? "\(error)" }
}
