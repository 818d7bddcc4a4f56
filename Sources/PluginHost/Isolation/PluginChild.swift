internal import CLinux
internal import Glibc
internal import PluginAPI

/// The process of one isolated plugin. `ChildProcess` starts it; it serves until it is ended.
public enum PluginChild {
    /// Stacks of the threads that serve calls, and of those that the plugin starts without saying how large: they count as the plugin's
    /// memory.
    private static let stack = 1 << 20

    /// Loads the plugin that the host asks for, in a process that gave up its rights before `main`, and serves the host's calls.
    public static func main() -> Never {
        guard let mailboxes = Mailboxes(mapping: ChildProcess.Descriptor.mailboxes.rawValue) else {
            fail("this command is for the host to start: it talks through descriptor \(ChildProcess.Descriptor.mailboxes.rawValue)")
        }
        // The host's end is this process's end, so nobody ever sets it.
        let farSide = Channel.FarSide()
        let first = mailboxes.call(0, .callee, farSide)
        do {
            let job = try ChildJob(try first.receive(deadline: nil))
            do {
                let (report, peer) = try take(job, mailboxes, farSide)
                try first.send(ChildReport.encode(.success(report)), deadline: nil)
                ServedChannels(mailboxes, isHost: false, count: Mailboxes.calls, farSide).follow(threadName: job.plugin, stack: stack) {
                    apus_crash_channel($0)
                    peer.serve($1)
                }
                fail("the host is gone")
            } catch let error as PluginError {
                try first.send(
                    ChildReport.encode(.failure(ChildReport.Refusal(code: error.code.description, message: error.message))), deadline: nil)
            }
        } catch {
            fail("the host asks for something else: \(error)")
        }
        // The host has read the refusal, or is about to, and ends this process.
        while true { pause() }
    }

    private static func take(_ job: ChildJob, _ mailboxes: Mailboxes, _ farSide: Channel.FarSide) throws -> (ChildReport, Peer) {
        if let step = apus_child_unconfined() {
            throw PluginError(
                .unloadable, plugin: job.plugin,
                "its process could not give up its rights (\(String(cString: step)): \(String(cString: strerror(errno))))")
        }
        if let refusal = SharedArena.map(ChildProcess.Descriptor.arena.rawValue) {
            throw PluginError(.unloadable, plugin: job.plugin, refusal)
        }
        limit(job, mailboxes.crash)

        let image = try LibraryImage(copy: job.copy, path: job.path, plugin: job.plugin)
        close(ChildProcess.Descriptor.library.rawValue)
        let component = try image.component(job.component, job.kind, abi: job.abi, plugin: job.plugin)
        let peer = Peer(
            .child, lines: ChannelPool(mailboxes, isHost: false, count: job.upcalls, farSide), sharedMemory: SharedArena.addresses
        ) { trouble in
            fail("the host cannot be reached any more: \(trouble)")
        }
        let services = [Signatures.hostLog, Signatures.hostObjects, Signatures.hostKinds].map { ImportedTable($0) }
        for service in services { service.connect(peer) }
        let instance = Instance()
        peer.offer(Signatures.component, at: component, instance)
        peer.offer(job.kind.descriptor, at: component.pointee.table, instance)
        peer.offerHost(ChildHost.make(services))
        let report = ChildReport(
            library: image.inspection, lifeCycle: Signatures.component.present(in: component),
            slots: job.kind.descriptor.present(in: component.pointee.table),
            number: job.kind.descriptor.number(in: component.pointee.table))
        return (report, peer)
    }

    /// What there is before the plugin does not count as its own.
    private static func limit(_ job: ChildJob, _ crash: UnsafeMutablePointer<apus_crash_record>) {
        _ = apus_default_stack(UInt64(stack))
        let baseline = apus_data_bytes()
        crash.pointee.baseline = baseline
        apus_crash_record_into(crash)
        _ = apus_limit_data(baseline &+ UInt64(max(0, job.memory)))
    }

    private static func fail(_ sentence: String) -> Never {
        var line = "plugin-child: \(sentence)\n"
        // Nobody else would hear of it.
        _ = line.withUTF8 { write(2, $0.baseAddress, $0.count) }
        _exit(70)
    }
}
