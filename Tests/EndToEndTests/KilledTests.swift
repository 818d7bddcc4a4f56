import Foundation
import TestSupport
import Testing

/// The host, or its container runtime, killed at one moment after another of a pod's start and of its end, on real containers: what was to
/// run runs once, and nothing is left of what is gone.
@Suite(.serialized)
struct KilledTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    enum Victim: CaseIterable { case host, runtime }

    /// How many moments are tried, and how far they lie apart: together longer than a pod takes.
    private static let moments = 4
    private static let distance = 0.12

    private static func pod(_ name: String) -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: \(name)}
        data: {key: value}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name)}
        spec:
          terminationGracePeriodSeconds: 1
          initContainers:
            - {name: init, image: "apus.local/hello:1", command: [/bin/busybox, sh, -c, "echo init >> /data/runs"], volumeMounts: &mounts [{name: data, mountPath: /data}]}
          containers:
            - {name: web, image: "apus.local/hello:1", command: [/bin/busybox, sh, -c, "echo web >> /data/runs; exec sleep 1000"], volumeMounts: *mounts}
          volumes:
            - {name: data, emptyDir: {medium: Memory}}
            - {name: settings, configMap: {name: \(name)}}
        """
    }

    @Test(.timeLimit(.minutes(10)), arguments: Victim.allCases) func atAnyMoment(_ victim: Victim) throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        let before = try Self.machine(cluster, victim)
        var uids: [String] = []
        for moment in 0..<Self.moments {
            let (name, pause) = ("pod-\(moment)", Double(moment) * Self.distance)
            try cluster.kubectl("apply", "-f", "-", input: Self.pod(name))
            uids.append(try cluster.kubectl("get", "pod", name, "-o", "jsonpath={.metadata.uid}"))
            Thread.sleep(forTimeInterval: pause)
            try Self.kill(victim, of: cluster)
            try eventually(within: 60) { try cluster.kubectl("wait", "pod/\(name)", "--for=condition=Ready", "--timeout=20s") }
            let runs = try eventually { try cluster.kubectl("exec", name, "-c", "web", "--", "cat", "/data/runs") }
            #expect(runs == "init\nweb\n", "\(victim), \(moment)")
            try cluster.kubectl("delete", "pod", name, "--wait=false")
            Thread.sleep(forTimeInterval: pause * 4)
            try Self.kill(victim, of: cluster)
            try eventually(within: 60) {
                guard try cluster.kubectl("get", "pod", name, "--ignore-not-found").isEmpty else {
                    throw Cluster.Failure(description: "\(name) is still there")
                }
            }
        }
        try eventually(within: 90) {
            let after = try Self.machine(cluster, victim)
            guard after == before else { throw Cluster.Failure(description: "left: \(after.subtracting(before).sorted())") }
            for uid in uids {
                let left = try cluster.run("find", cluster.directory, "/sys/fs/cgroup", "-name", "*\(uid)*")
                guard left.isEmpty else { throw Cluster.Failure(description: left) }
            }
        }
    }

    private static func kill(_ victim: Victim, of cluster: Cluster) throws {
        guard victim == .runtime else { return try cluster.crash() }
        func process() throws -> pid_t {
            let text = try String(contentsOfFile: "\(cluster.directory)/containerd/containerd.pid", encoding: .utf8)
            guard let process = text.split(separator: " ").first.flatMap({ pid_t($0) }) else {
                throw Cluster.Failure(description: "containerd's pid file has no process: \"\(text)\"")
            }
            return process
        }
        let before = try process()
        Foundation.kill(before, SIGKILL)
        try eventually { if try process() == before { throw Cluster.Failure(description: "containerd is not back") } }
    }

    /// What pods take of the machine: mounts, addresses and links; and shims, which a runtime that was killed leaves to the next. Not those of
    /// one that goes on: containerd 1.6 keeps one now and then whose sandbox was given up while it began.
    private static func machine(_ cluster: Cluster, _ victim: Victim) throws -> Set<String> {
        let files = FileManager.default
        func lines(_ path: String) throws -> [String] {
            try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
        }
        var found = Set(try lines("/proc/mounts").filter { $0.contains(cluster.directory) }.map { String($0.split(separator: " ")[1]) })
        let networks = "\(cluster.directory)/containerd/state/cni"
        for network in (try? files.contentsOfDirectory(atPath: networks)) ?? [] {
            for name in try files.contentsOfDirectory(atPath: "\(networks)/\(network)") where name.first?.isHexDigit ?? false {
                found.insert("address \(name)")
            }
        }
        for name in try files.contentsOfDirectory(atPath: "/sys/class/net") where name.hasPrefix("veth") { found.insert("link \(name)") }
        guard victim == .runtime else { return found }
        for process in try files.contentsOfDirectory(atPath: "/proc") where Int(process) != nil {
            let words = (try? String(contentsOfFile: "/proc/\(process)/cmdline", encoding: .utf8)) ?? ""
            if words.contains("containerd-shim"), words.contains(cluster.directory) { found.insert("shim \(process)") }
        }
        return found
    }
}
