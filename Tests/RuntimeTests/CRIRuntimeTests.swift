import APIModel
import Containerd
import Foundation
import Glibc
import PluginHost
import Testing

/// The plugin on a real containerd with real containers, in one go: bringing a node up is the dear part.
@Suite(.serialized, .enabled(if: reasonAgainstContainerd == nil, "the real containerd"))
struct CRIRuntimeTests {
    @Test func runsAPodFromStartToEnd() async throws {
        let node = try await CRINode()
        let bridge = node.supervisor.paths.cniConfiguration
        do {
            let changed = Changed()
            #expect(await node.runtime.plugin.subscribe { changed.note($0, $1) })
            let conditions = try await node.runtime.call("Status")[path: "status", "conditions"].elements
            #expect(conditions.map { $0["status"] } == [true, true])

            let pod = node.pod("web")
            let (sandbox, container) = try await node.runtime.run(pod, image: node.image, ["sh", "-c", "echo started; exec sleep 1000"])
            let status = try await node.runtime.call("PodSandboxStatus", ["pod_sandbox_id": .string(sandbox)])["status"]
            #expect(status[path: "network", "ip"].string?.hasPrefix("10.251.0.") == true)
            #expect(try await node.runtime.exec(container, ["hostname"]).output == "web\n")
            #expect(try await node.runtime.exec(container, ["sh", "-c", "exit 3"]).code == 3)
            #expect(Scratch.read(pod.logs + "/main.log").contains(" stdout F started\n"))

            // A process that ends by itself is told of, and its status is already there then.
            let (other, short) = try await node.runtime.run(node.pod("short"), image: node.image, ["sh", "-c", "sleep 0.3; exit 7"])
            #expect(await changed.tells(short))
            let ended = try await node.runtime.call("ContainerStatus", ["container_id": .string(short)])["status"]
            #expect(ended["state"] == 2)
            #expect(ended["exit_code"] == 7)

            // The runtime goes away and comes back; the pod does not notice.
            try await node.supervisor.stop()
            await #expect(throws: RuntimeError.self) { try await node.runtime.call("Version") }
            try await node.supervisor.start()
            var answer: Value?
            let deadline = ContinuousClock.now + .seconds(5)
            while answer == nil, ContinuousClock.now < deadline {
                answer = try? await node.runtime.call("ContainerStatus", ["container_id": .string(container)])
            }
            #expect(answer?[path: "status", "state"] == 1)

            try await node.runtime.remove(other)
            try await node.runtime.remove(sandbox)
            await #expect(throws: RuntimeError.self) {
                try await node.runtime.call("PodSandboxStatus", ["pod_sandbox_id": .string(sandbox)])
            }
        } catch {
            try await node.tearDown()
            throw error
        }
        try await node.tearDown()
        #expect(Scratch.read("/proc/self/mountinfo").contains(node.scratch.path) == false)
        #expect(access("/sys/class/net/apt-" + node.scratch.id, F_OK) != 0)
        #expect(access("/sys/fs/cgroup/memory" + node.cgroupParent, F_OK) != 0 && access("/sys/fs/cgroup" + node.cgroupParent, F_OK) != 0)
        #expect(access(bridge, F_OK) != 0)
    }

    @Test func errorsCarryTheRuntimesWords() async throws {
        let node = try await CRINode()
        let missing = await #expect(throws: RuntimeError.self) { try await node.runtime.call("StartContainer", ["container_id": "nope"]) }
        #expect(missing?.code == "NotFound")
        let unknown = await #expect(throws: RuntimeError.self) { _ = try await node.runtime.plugin.call("RuntimeService/Nonsense", []) }
        #expect(unknown?.code == "Unimplemented")
        // More than the 200 PINGs that NIO's HTTP/2 takes from a server by default: one comes with each answer.
        for _ in 0..<500 { try await node.runtime.call("Version") }
        try await node.tearDown()
    }
}

@Suite struct CRIConfigurationTests {
    static let mistakes: [(config: Value, reason: String)] = [
        (["endpoint": "tcp://127.0.0.1:1"], "config.endpoint must be unix:// and an absolute path"),
        (["endpint": "unix:///x"], "config.endpint: unknown field"),
    ]

    @Test(arguments: mistakes)
    func badConfigurationIsRefusedByField(_ config: Value, _ reason: String) async throws {
        let error = await #expect(throws: (any Error).self) { try await RuntimeHost("cri", config: config, in: Scratch()) }
        #expect(String(describing: error).contains(reason))
    }
}

extension CRIRuntimeTests {
    /// Reads a stream to its end: what came on each channel.
    private func collect(_ stream: RuntimeStream) async throws -> [Int32: String] {
        var pieces: [Int32: [UInt8]] = [:]
        var last: Int32 = -1
        for try await piece in stream {
            pieces[piece.channel, default: []] += piece.bytes
            if !piece.bytes.isEmpty { last = piece.channel }
        }
        // The Status comes after everything else.
        if pieces[3] != nil { #expect(last == 3) }
        return pieces.mapValues { String(decoding: $0, as: UTF8.self) }
    }

    private func open(_ node: CRINode, _ kind: StreamKind, _ request: Value) async throws -> RuntimeStream {
        let type = [StreamKind.exec: "ExecRequest", .attach: "AttachRequest", .portForward: "PortForwardRequest"][kind]!
        return try await node.runtime.plugin.open(kind, try Protobuf.encode(request, as: Catalogue.cri.type(named: type)!))
    }

    @Test func streamsGoBothWays() async throws {
        let node = try await CRINode()
        do {
            let (sandbox, container) = try await node.runtime.run(
                node.pod("s"), image: node.image, ["sh", "-c", "nc -ll -p 8080 -e echo served"])
            let id = Value.string(container)

            let exec = try await open(
                node, .exec,
                ["container_id": id, "cmd": ["sh", "-c", "cat; echo oops >&2; exit 5"], "stdin": true, "stdout": true, "stderr": true])
            try await exec.send(0, Array("over".utf8))
            try await exec.send(0, Array(" there".utf8))
            try await exec.send(0, [])
            let heard = try await collect(exec)
            #expect(heard[1] == "over there")
            #expect(heard[2] == "oops\n")
            #expect(heard[3]?.contains("NonZeroExitCode") == true && heard[3]?.contains("\"5\"") == true, "\(heard[3] ?? "")")
            await exec.close()

            let terminal = try await open(
                node, .exec, ["container_id": id, "cmd": ["sh", "-c", "sleep 0.3; stty size"], "tty": true, "stdin": true, "stdout": true])
            try await terminal.send(4, Array(#"{"Width":91,"Height":37}"#.utf8))
            #expect(try await collect(terminal)[1] == "37 91\r\n")
            await terminal.close()

            // Given up in the middle: `close` returns although the command goes on.
            let endless = try await open(node, .exec, ["container_id": id, "cmd": ["sleep", "1000"], "stdout": true])
            await endless.close()

            try await endsWithItsClient(node, id)

            let forward = try await open(node, .portForward, ["pod_sandbox_id": .string(sandbox), "port": [8080]])
            #expect(try await collect(forward)[1] == "served\n")
            await forward.close()

            let refused = await #expect(throws: RuntimeError.self) {
                try await open(node, .exec, ["container_id": "nope", "cmd": ["x"], "stdout": true])
            }
            #expect(refused?.code == "NotFound")
        } catch {
            try await node.tearDown()
            throw error
        }
        try await node.tearDown()
    }

    /// What nobody waits for any more goes on in no container: by its own name, with what it started, and under the name that it took.
    private func endsWithItsClient(_ node: CRINode, _ id: Value) async throws {
        func exec(_ command: Value, tty: Bool = false) async throws -> RuntimeStream {
            try await open(
                node, .exec, ["container_id": id, "cmd": command, "stdin": .bool(tty), "stdout": true, "tty": .bool(tty)])
        }
        let commands: [(command: Value, word: String, tty: Bool)] = [
            (["sleep", "47110"], "47110", false), (["sleep", "47111"], "47111", true),
            (["sh", "-c", "trap : HUP; sleep 47112; sleep 47112"], "47112", false), (["sh", "-c", "exec sleep 47113"], "47113", false),
        ]
        for (command, word, tty) in commands {
            let left = try await exec(command, tty: tty)
            #expect(await Self.processes(saying: word) { $0 > 0 } > 0)
            await left.close()
            #expect(await Self.processes(saying: word) { $0 == 0 } == 0, "\(command)")
        }
        // Another that runs the same is left alone.
        let (first, second) = (try await exec(["sleep", "47114"]), try await exec(["sleep", "47114"]))
        #expect(await Self.processes(saying: "47114") { $0 == 2 } == 2)
        await first.close()
        #expect(await Self.processes(saying: "47114") { $0 < 2 } == 1)
        await second.close()
        #expect(await Self.processes(saying: "47114") { $0 == 0 } == 0)
    }

    /// How many processes of this machine have a word in their command, once that is as wanted, or after ten seconds.
    private static func processes(saying word: String, _ isWanted: (Int) -> Bool) async -> Int {
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            let all = (try? FileManager.default.contentsOfDirectory(atPath: "/proc"))?.filter { Int($0) != nil } ?? []
            let count = all.count { Scratch.read("/proc/\($0)/cmdline").contains(word) }
            if isWanted(count) || ContinuousClock.now > deadline { return count }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }
}
