internal import Logging
internal import PluginAPI

/// Starts processes for one plugin, each with the library loaded and ready for `create`.
struct ChildLauncher: @unchecked Sendable {
    // Sendable because the tables of services are constant.
    /// How long a process may take to load the library.
    private static let patience = Duration.seconds(30)

    private let configuration: ChildProcess.Configuration
    private let job: ChildJob
    private let services: [(TableDescriptor, UnsafeRawPointer)]
    /// Keeps the library's file.
    private let library: Library

    init(
        _ manifest: PluginManifest, _ library: Library, services: [(TableDescriptor, UnsafeRawPointer)], executable: String, log: Logger
    ) {
        let confinement = Confinement.of(manifest)
        let limits = manifest.limits.resolved(confinement.limits)
        configuration = ChildProcess.Configuration(
            executable: executable, name: manifest.name, confinement: confinement, limits: limits, library: library.descriptor,
            sharedObjects: confinement.files == .host ? [] : SharedObjects.of(library, executable: executable), log: log)
        job = ChildJob(
            plugin: manifest.name, kind: manifest.kind, component: manifest.component, abi: manifest.abi, path: library.path,
            copy: confinement.copy, memory: limits.memory, upcalls: confinement.upcalls)
        self.library = library
        self.services = services
    }

    /// One process, while it lives.
    struct Launch: Sendable {
        let child: ChildProcess
        let peer: Peer
        let report: ChildReport
        /// The slots of `apus_component` in it.
        let lifeCycle: LifeCycleCalls

        /// Ends the process and waits until it is reaped.
        func end() {
            child.end(.stopped)
            _ = child.ending(seconds: 10)
        }
    }

    /// Starts a process and waits until it has loaded the library. Blocks.
    func launch() throws(PluginError) -> Launch {
        let child: ChildProcess
        do {
            child = try ChildProcess(configuration)
        } catch {
            throw PluginError(.unloadable, plugin: job.plugin, error.reason)
        }
        let name = job.plugin
        let peer = Peer(.host, lines: child.lines, sharedMemory: SharedArena.addresses) { trouble in
            child.end(Self.cause(trouble))
            return "plugin \(name) \(child.ending(seconds: 10)?.sentence ?? "does not end")"
        }
        for (descriptor, table) in services { peer.offer(descriptor, at: table, Instance()) }
        child.serve { peer.serve($0) }
        do {
            let report = try ask(child)
            return Launch(child: child, peer: peer, report: report, lifeCycle: LifeCycleCalls(name, peer, present: report.lifeCycle))
        } catch {
            child.end(.stopped)
            _ = child.ending(seconds: 10)
            throw error
        }
    }

    /// The first conversation: before it the child has nothing to serve.
    private func ask(_ child: ChildProcess) throws(PluginError) -> ChildReport {
        do {
            let line = try child.lines.borrow()
            let deadline = ContinuousClock.now + Self.patience
            try line.send(job.bytes, deadline: deadline)
            let answer = try line.receive(deadline: deadline)
            child.lines.giveBack(line, isUsable: true)
            return try ChildReport.decode(answer, slots: job.kind.descriptor.slots.count)
        } catch let refusal as ChildReport.Refusal {
            throw PluginError(PluginError.Code(fromChild: refusal.code), plugin: job.plugin, refusal.message)
        } catch {
            child.end(
                error as? LineError == .timedOut
                    ? .late(slot: "the request to load its library", after: Self.patience) : .garbage("its first answer makes no sense"))
            throw PluginError(
                .unloadable, plugin: job.plugin,
                "its process \(child.ending(seconds: 10)?.sentence ?? "does not end") while it loaded \(job.path)")
        }
    }

    private static func cause(_ trouble: Peer.Trouble) -> ChildEnding.Cause {
        switch trouble {
        // A child that ended by itself has its reason already; one that still lives gave up a line that it has to keep.
        case .lost: .garbage("it gave up a line")
        case .timedOut(let slot, let after): .late(slot: slot, after: after)
        case .garbage(let what): .garbage(what)
        case .flooded(let slot, let limit): .flood(slot: slot, limit: limit)
        }
    }
}

extension PluginError.Code {
    /// What a child may say of a library; another word says that it cannot be used.
    fileprivate init(fromChild word: String) {
        let all: [PluginError.Code] = [.incompatibleABI, .wrongDescriptor]
        self = all.first { $0.description == word } ?? .unloadable
    }
}
