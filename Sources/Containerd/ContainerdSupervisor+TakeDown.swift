internal import CLinux
internal import FileSystem
internal import Glibc
internal import Logging

extension ContainerdSupervisor {
    /// Ends every pod and containerd itself, and removes what they left: processes, mounts, network namespaces, the bridge, control groups,
    /// what libcni caches. Images stay.
    ///
    /// Works also when containerd or Apus was killed before, and when there is nothing to do. Containers get `grace` to end by themselves.
    /// - Parameter cgroupParents: the control groups below which the kubelet put pods, such as `/kubepods`; removed where they are empty.
    /// - Throws: `.failed` naming the first thing that could not be removed; the rest was removed all the same.
    public func takeDown(grace: Duration = .seconds(2), cgroupParents: [String] = []) async throws(ContainerdError) {
        try await onOwnThread { [self] () throws(ContainerdError) in
            removePods(grace)
            let helpers = helpers()
            end(Deadline(after: .seconds(5)))
            kill(helpers)
            let groups = killShims()
            for parent in groups.union(cgroupParents) { ControlGroups.remove(parent) }
            var failure: ContainerdError?
            func attempt(_ step: () throws(ContainerdError) -> Void) {
                do throws(ContainerdError) { try step() } catch { failure = failure ?? error }
            }
            attempt { () throws(ContainerdError) in
                try ContainerdError.telling { () throws(Files.Failure) in try MountPoints.unmount(below: paths.directory) }
            }
            attempt { () throws(ContainerdError) in
                if apus_remove_bridge(configuration.network.bridge) != 0, errno != ENODEV, errno != ENXIO {
                    throw ContainerdError.system("cannot remove the bridge \(configuration.network.bridge)")
                }
            }
            attempt(removeCaches)
            for path in [paths.state, paths.cniConfiguration, paths.configuration, paths.socket, paths.socket + ".ttrpc", paths.pidFile] {
                attempt { () throws(ContainerdError) in try remove(path) }
            }
            if let failure { throw failure }
        }
    }

    /// What containerd itself has at work, such as a network plugin that would make the bridge again; not its shims, which end with their
    /// containers.
    private func helpers() -> [Child] {
        guard let containerd = running() else { return [] }
        let processes = ProcessTable()
        return processes.descendants(of: containerd.pid).dropFirst().filter {
            processes.arguments($0).first?.contains("containerd-shim") == false
        }.compactMap { Child(pid: $0) }
    }

    /// Returns when they have ended, or said in the log that they do not.
    private func kill(_ processes: [Child]) {
        for process in processes { process.signal(SIGKILL) }
        let deadline = Deadline(after: .seconds(5))
        for process in processes where !process.waitUntilGone(deadline) {
            log.warning("a process does not end", metadata: ["pid": "\(process.pid)"])
        }
    }

    /// Kills the shims of those ids and what they hold. Returns the control groups in which that was.
    private func kill(_ shims: Shims, _ ids: Set<String>) -> Set<String> {
        let (containers, shims) = shims.members(of: ids)
        let groups = containers.reduce(into: Set()) { $0.formUnion(ControlGroups.of($1)) }
        for processes in [containers, shims] { kill(processes.compactMap { Child(pid: $0) }) }
        return groups
    }

    /// Ends the shims that an earlier containerd left and that this one, which has read everything back, knows nothing of.
    /// - Parameter ids: those of the shims there were before this containerd was started.
    func killForgotten(_ ids: Set<String>, _ deadline: Deadline) {
        let cri = CRISocket(path: paths.socket)
        var forgotten = ids.subtracting([""])
        for list in ["RuntimeService/ListPodSandbox", "RuntimeService/ListContainers"] where !forgotten.isEmpty {
            // Without its word they may be anybody's.
            guard let known = Self.ids(cri.call(list, [], deadline: deadline)) else { return }
            forgotten.subtract(known)
        }
        guard !forgotten.isEmpty else { return }
        log.warning("ending shims that containerd has forgotten", metadata: ["ids": "\(forgotten.sorted())"])
        for group in kill(Shims(of: paths), forgotten) { ControlGroups.remove(group) }
        for id in forgotten {
            unlink(Shims.socket(of: id, paths))
            _ = Files.removeTree("\(paths.state)/runc/k8s.io/\(id)")
        }
    }

    /// The ids in the answer to a call that lists; `nil` for none.
    private static func ids(_ answer: [UInt8]?) -> [String]? {
        guard let answer else { return nil }
        // Field 1 of the answer is the list, field 1 of each element its id.
        return ProtobufFields.lengthDelimited(answer).filter { $0.number == 1 }.compactMap { element in
            ProtobufFields.lengthDelimited(element.bytes).first { $0.number == 1 }.map { String(decoding: $0.bytes, as: UTF8.self) }
        }
    }

    /// The orderly way, as far as containerd answers.
    private func removePods(_ grace: Duration) {
        let cri = CRISocket(path: paths.socket)
        func ids(_ list: String) -> [String] { Self.ids(cri.call(list, [], deadline: Deadline(after: .seconds(5)))) ?? [] }
        let deadline = Deadline(after: grace + .seconds(20))
        let seconds = UInt64(max(grace.components.seconds, 0))
        onThreads(ids("RuntimeService/ListContainers"), width: 16) { id in
            _ = cri.call("RuntimeService/StopContainer", ProtobufFields.encode(1, id.utf8, (2, seconds)), deadline: deadline)
        }
        onThreads(ids("RuntimeService/ListPodSandbox"), width: 4) { id in
            for method in ["StopPodSandbox", "RemovePodSandbox"] {
                _ = cri.call("RuntimeService/" + method, ProtobufFields.encode(1, id.utf8), deadline: deadline)
            }
        }
    }

    /// Kills the shims of our containerd, known by the socket they report to, with everything below them. Returns the control groups in
    /// which containers were.
    private func killShims() -> Set<String> {
        // One that an earlier start gave up on and that nobody counts as ours any more.
        let processes = ProcessTable()
        for pid in processes.all where Set(["--config", paths.configuration]).isSubset(of: processes.arguments(pid)) {
            guard let stray = Child(pid: pid) else { continue }
            stray.signal(SIGKILL)
            _ = stray.waitUntilGone(Deadline(after: .seconds(5)))
        }
        let shims = Shims(of: paths)
        let groups = kill(shims, shims.ids)
        // A shim that is killed leaves its socket, whose name stands in the state directory.
        let tasks = paths.state + "/io.containerd.runtime.v2.task/k8s.io"
        for id in Files.names(in: tasks) {
            if let address = Files.text(tasks + "/" + id + "/address"), address.hasPrefix("unix://") {
                unlink(String(address.dropFirst(7)))
            }
        }
        for directory in ["/run/containerd/s", "/run/containerd"] { rmdir(directory) }
        return groups
    }

    /// With all that is below it, never across a mount: what is mounted there stays and is the error.
    private func remove(_ path: String) throws(ContainerdError) {
        guard Files.removeTree(path) else { throw ContainerdError.system("cannot remove \(path)") }
    }

    /// libcni keeps the result of every ADD in a directory that all networks share.
    private func removeCaches() throws(ContainerdError) {
        let cache = "/var/lib/cni/results"
        for name in Files.names(in: cache) where name.hasPrefix(configuration.network.network + "-") || name.hasPrefix("cni-loopback-") {
            let file = cache + "/" + name
            // Ours are those whose namespace lies in our state directory.
            if Files.text(file)?.contains(paths.state + "/") == true { try remove(file) }
        }
        for directory in [cache, "/var/lib/cni"] { rmdir(directory) }
    }
}
