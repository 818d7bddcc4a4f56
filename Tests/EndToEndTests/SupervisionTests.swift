import Foundation
import TestSupport
import Testing

/// What ends is started again, and what it ended over is found out.
@Suite(.serialized)
struct SupervisionTests {
    private static let repository = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    // MARK: Kills

    /// Writes ConfigMaps one after the other, and keeps the names of those that were answered in `acknowledged`; in `moments` it keeps when
    /// a read was answered, in milliseconds. Until there is a file `enough`.
    private static let traffic = """
        cd "$1"
        api=https://127.0.0.1:$2
        call() { curl -sf --max-time 2 --cacert pki/ca.crt --cert admin.crt --key admin.key "$@" >/dev/null; }
        write() {
          i=0
          while [ ! -e enough ]; do
            i=$((i + 1))
            call -H 'Content-Type: application/json' -d '{"metadata":{"name":"w-'$i'"}}' $api/api/v1/namespaces/default/configmaps &&
              echo w-$i >> acknowledged
          done
        }
        read_() { while [ ! -e enough ]; do call $api/api/v1/namespaces/default && echo $(($(date +%s%N) / 1000000)) >> moments; done; }
        write & read_ & wait
        """

    private func startTraffic(_ cluster: Cluster) throws -> Process {
        for (file, path) in [("admin.crt", "client-certificate-data"), ("admin.key", "client-key-data")] {
            let data = try cluster.kubectl("config", "view", "--raw", "-o", "jsonpath={.users[0].user.\(path)}")
            try #require(Data(base64Encoded: data)).write(to: URL(filePath: "\(cluster.directory)/\(file)"))
        }
        let traffic = Process()
        traffic.executableURL = URL(filePath: "/bin/bash")
        traffic.arguments = ["-c", Self.traffic, "traffic", cluster.directory, "\(cluster.port)"]
        try traffic.run()
        return traffic
    }

    private func lines(_ cluster: Cluster, _ file: String) throws -> [String] {
        try String(contentsOfFile: "\(cluster.directory)/\(file)", encoding: .utf8).split(separator: "\n").map(String.init)
    }

    private func supervisor(_ cluster: Cluster) throws -> pid_t {
        try #require(
            pid_t(
                String(contentsOfFile: "\(cluster.directory)/supervisor.pid", encoding: .utf8).trimmingCharacters(
                    in: .whitespacesAndNewlines)))
    }

    private func containerd(_ cluster: Cluster) throws -> pid_t {
        let text = try String(contentsOfFile: "\(cluster.directory)/containerd/containerd.pid", encoding: .utf8)
        return try #require(pid_t(text.prefix { $0 != " " }))
    }

    /// What of another's the process could use: sockets and pipes, by what they are.
    private func connections(_ process: pid_t) throws -> Set<String> {
        let directory = "/proc/\(process)/fd"
        return Set(
            try FileManager.default.contentsOfDirectory(atPath: directory).compactMap {
                try? FileManager.default.destinationOfSymbolicLink(atPath: "\(directory)/\($0)")
            }.filter { $0.hasPrefix("socket:") || $0.hasPrefix("pipe:") })
    }

    /// Of every container: its id, how often it was started, and whether it is ready.
    private func containers(_ cluster: Cluster) throws -> String {
        try cluster.kubectl(
            "get", "pods", "-l", "app=hello", "-o",
            "jsonpath={range .items[*].status.containerStatuses[*]}{.containerID} {.restartCount} {.ready}{'\\n'}{end}")
    }

    @Test func whatIsKilledComesBackAndTakesNothingAlong() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        try cluster.up()
        let image = "\(cluster.directory)/hello.tar"
        try cluster.pack(Self.repository + "/examples/hello/pack", to: image)
        try cluster.load(image: image)
        try cluster.kubectl("apply", "-f", "-", input: NewcomerTests.manifest)
        try cluster.kubectl("rollout", "status", "deployment/hello", "--timeout=60s")
        let before = try containers(cluster)
        let traffic = try startTraffic(cluster)
        try eventually { _ = try lines(cluster, "acknowledged") }

        for signal in [SIGSEGV, SIGKILL, SIGABRT] {
            try cluster.crash(signal)
            // As long-lived as one has to be to get a successor at once.
            try eventually {
                guard try #require(lines(cluster, "moments").last).count > 0 else { throw Cluster.Failure(description: "no reads") }
            }
            sleep(3)
        }
        // The supervisor, too, is somebody's to start again.
        let process = try cluster.processID()
        let old = try supervisor(cluster)
        kill(old, SIGKILL)
        try eventually { guard try supervisor(cluster) != old else { throw Cluster.Failure(description: "no other supervisor") } }
        #expect(try cluster.processID() == process)
        try cluster.crash()
        // containerd, started by a host that serves, has nothing of the host's.
        let runtime = try containerd(cluster)
        kill(runtime, SIGKILL)
        try eventually { guard try containerd(cluster) != runtime else { throw Cluster.Failure(description: "no containerd") } }
        try eventually { _ = try cluster.kubectl("get", "--raw", "/readyz") }
        #expect(try connections(containerd(cluster)).isDisjoint(with: connections(cluster.processID())))

        try Data().write(to: URL(filePath: "\(cluster.directory)/enough"))
        traffic.waitUntilExit()
        let acknowledged = try Set(lines(cluster, "acknowledged"))
        #expect(acknowledged.count > 50)
        let names = try cluster.kubectl("get", "configmaps", "-o", "jsonpath={.items[*].metadata.name}").split(separator: " ").map(
            String.init)
        #expect(acknowledged.subtracting(names) == [])
        #expect(try containers(cluster) == before)
        // The longest time without an answer; release builds take a fraction of it, see `make bench`.
        let moments = try lines(cluster, "moments").compactMap(Int.init)
        let longest = zip(moments, moments.dropFirst()).map { $1 - $0 }.max() ?? .max
        #expect(longest < 20_000)

        let log = try String(contentsOfFile: "\(cluster.directory)/apus.log", encoding: .utf8)
        for words in ["was ended by signal 11 (SIGSEGV), sent by process", "was ended by signal 9 (SIGKILL); it is started again at once"] {
            #expect(log.contains(words))
        }
        // What somebody sends is nobody's fault.
        #expect(try cluster.apus("status").contains("all well"))
        let names2 = try cluster.run("ps", "-o", "comm=", "-p", "\(cluster.processID()),\(supervisor(cluster))")
        #expect(names2.split(separator: "\n") == ["apus", "apus"])
        #expect(try cluster.run("ps", "-o", "args=", "-p", "\(cluster.processID())").hasPrefix("apus up "))

        // Nobody is left who holds the port.
        let rest = try [supervisor(cluster), cluster.processID(), containerd(cluster)]
        for process in rest { kill(process, SIGKILL) }
        try eventually {
            for process in rest where kill(process, 0) == 0 && !isZombie(process) { throw Cluster.Failure(description: "\(process) lives") }
        }
        #expect(throws: Cluster.Failure.self) { try cluster.run("curl", "-sk", "--max-time", "2", "https://127.0.0.1:\(cluster.port)/") }
        #expect(try cluster.up().contains("node e2e is Ready"))
        #expect(try containers(cluster) == before)
    }

    private func isZombie(_ process: pid_t) -> Bool {
        (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8))?.contains(") Z ") ?? true
    }

    // MARK: Poison

    private func compile(_ fixture: String, for cluster: Cluster) throws -> (directory: String, sha256: String) {
        let directory = "\(cluster.directory)-libraries"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        try cluster.run(
            "cc", "-std=c11", "-D_DEFAULT_SOURCE", "-shared", "-fPIC", "-I\(Self.repository)/Sources/PluginAPI/include",
            "\(Self.repository)/Tests/Fixtures/plugins/\(fixture).c", "-o", "\(directory)/lib\(fixture).so")
        return (directory, String(try cluster.run("sha256sum", "\(directory)/lib\(fixture).so").prefix(64)))
    }

    private func plugin(_ name: String, _ library: String, _ sha256: String, for resource: String) -> String {
        """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: \(name)}
        spec:
          kind: Controller
          library: lib\(library).so
          component: fixture
          sha256: \(sha256)
          controller: {for: [\(resource)]}
          rules: [{apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}]
        """
    }

    private func cluster(with fixture: String) throws -> (cluster: Cluster, sha256: String) {
        let cluster = try Cluster()
        let (directory, sha256) = try compile(fixture, for: cluster)
        cluster.options = ["--plugin-dir", cluster.products, "--plugin-dir", directory]
        try cluster.up()
        return (cluster, sha256)
    }

    private func remove(_ cluster: Cluster) {
        cluster.remove()
        try? FileManager.default.removeItem(atPath: "\(cluster.directory)-libraries")
    }

    /// A controller takes the host down over one object, and then the process of its own that it gets for that; then the object is passed
    /// over.
    @Test func anObjectThatIsInHandAtTwoCrashesIsPassedOver() throws {
        let (cluster, sha256) = try cluster(with: "crashes-on-poison")
        defer { remove(cluster) }
        try cluster.kubectl("create", "-f", "-", input: plugin("fixture", "crashes-on-poison", sha256, for: "v1/configmaps"))
        try cluster.kubectl("create", "configmap", "good")
        func calls() throws -> Int { Int(try cluster.kubectl("get", "plugin", "fixture", "-o", "jsonpath={.status.calls}")) ?? 0 }
        _ = try eventually { guard try calls() > 0 else { throw Cluster.Failure(description: "it is not called") } }
        func isIsolated(_ wanted: Bool = true) throws {
            let row = try cluster.kubectl("get", "plugin", "fixture", "--no-headers")
            guard row.contains("Process") == wanted else { throw Cluster.Failure(description: row) }
        }

        let first = try cluster.processID()
        _ = try? cluster.kubectl("create", "configmap", "poison")
        try cluster.waitForAnother(than: first)
        try eventually { try isIsolated() }
        let second = try cluster.processID()
        _ = try eventually {
            let events = try cluster.kubectl("get", "events", "--field-selector", "reason=Quarantined,involvedObject.name=poison")
            guard events.contains("apus release configmaps default/poison"), events.contains("plugin fixture, process") else {
                throw Cluster.Failure(description: events)
            }
        }
        #expect(try cluster.processID() == second)
        let (status, code) = try cluster.outcome("status")
        #expect(code == 1)
        for words in [
            "degraded", "v1/configmaps default/poison", "controller-manager fixture", "plugin fixture is Running: isolated, since",
        ] {
            #expect(status.contains(words), "\(words)")
        }
        let (json, _) = try cluster.outcome("status", "-o", "json")
        let report = try #require(try JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any])
        #expect(report["status"] as? String == "Degraded")
        #expect((report["quarantined"] as? [Any])?.count == 1)

        // The cluster works, and so does the controller, also after a start with the object in the store and in the host's own process.
        try cluster.crash()
        let third = try cluster.processID()
        try eventually { try isIsolated() }
        #expect(try cluster.apus("release", "plugin", "fixture").contains("runs again as its specification says"))
        try eventually { try isIsolated(false) }
        let before = try calls()
        try cluster.kubectl("create", "configmap", "better")
        _ = try eventually { guard try calls() != before else { throw Cluster.Failure(description: "it is not called") } }
        #expect(try cluster.processID() == third)

        // Another try, for what is there.
        #expect(try cluster.outcome("release", "configmap", "good").output.contains("is not in quarantine"))
        #expect(try cluster.apus("release", "cm", "default/poison").contains("is released"))
        try cluster.waitForAnother(than: third)
    }

    private func judge(_ sha256: String, failurePolicy: String) -> String {
        """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: judge}
        spec:
          kind: Admission
          library: libadmission.so
          component: fixture
          sha256: \(sha256)
          admission:
            failurePolicy: \(failurePolicy)
            rules: [{operations: [CREATE], apiGroups: [""], apiVersions: [v1], resources: [configmaps]}]
            namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: default}}
        """
    }

    private func map(_ name: String, telling what: String) -> String {
        """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: \(name), namespace: default, annotations: {do: \(what)}}
        """
    }

    /// An admission plugin takes the host down over one request; in the process of its own that it gets for that, its crash costs the
    /// request that caused it, or under Ignore not even that.
    @Test func anAdmissionPluginThatEndsTheHostComesBackIsolated() throws {
        let (cluster, sha256) = try cluster(with: "admission")
        defer { remove(cluster) }
        func row(has words: String...) throws {
            let row = try cluster.kubectl("get", "plugin", "judge", "--no-headers")
            for word in words where !row.contains(word) { throw Cluster.Failure(description: row) }
        }
        func create(_ name: String, telling what: String = "nothing") throws {
            try cluster.kubectl("create", "-f", "-", input: map(name, telling: what))
        }
        for policy in ["Fail", "Ignore"] {
            // What changed is tried in the host's own process again.
            try cluster.kubectl("apply", "-f", "-", input: judge(sha256, failurePolicy: policy))
            try eventually { try row(has: "Running", "None") }
            let name = policy.lowercased()
            try create("\(name)-good")

            let first = try cluster.processID()
            #expect(throws: Cluster.Failure.self, "nobody is left to answer") { try create("\(name)-fatal", telling: "crash") }
            try cluster.waitForAnother(than: first)
            try eventually { try row(has: "Running", "Process") }
            let second = try cluster.processID()
            try eventually { try create("\(name)-better") }

            if policy == "Fail" {
                let refused = #expect(throws: Cluster.Failure.self) { try create("\(name)-crash", telling: "crash") }
                #expect(refused?.description.contains("failed calling admission plugin \"judge\"") == true, "\(refused?.description ?? "")")
            } else {
                try create("\(name)-crash", telling: "crash")
            }
            // Until it runs again, it may have to be asked and cannot be; then all is well.
            try eventually { try create("\(name)-best") }
            try eventually { try row(has: "Running", "Process") }
            #expect(try cluster.processID() == second, "the host went on")
        }
        let names = try cluster.kubectl("get", "configmaps", "-o", "jsonpath={.items[*].metadata.name}").split(separator: " ")
        let made = names.filter { $0.hasPrefix("fail-") || $0.hasPrefix("ignore-") }
        #expect(
            Set(made) == [
                "fail-good", "fail-better", "fail-best", "ignore-good", "ignore-better", "ignore-crash", "ignore-best",
            ])
    }

    // MARK: Stopping

    @Test func downEndsAlsoWhatDoesNotEndByItself() throws {
        let (cluster, sha256) = try cluster(with: "never-ends")
        defer { remove(cluster) }
        try cluster.kubectl("create", "-f", "-", input: plugin("fixture", "never-ends", sha256, for: "v1/configmaps"))
        _ = try eventually {
            let row = try cluster.kubectl("get", "plugin", "fixture", "--no-headers")
            guard row.contains("Running") else { throw Cluster.Failure(description: row) }
        }
        try cluster.kubectl("create", "configmap", "any")
        let begin = Date()
        let said = try cluster.down()
        // It says how long it may take, and takes no longer.
        #expect(said.contains("within 20 s"))
        #expect(-begin.timeIntervalSinceNow < 60)
        for words in ["waiting for controller manager", "waiting for plugins"] { #expect(said.contains(words), "\(words)") }
        let log = try String(contentsOfFile: "\(cluster.directory)/apus.log", encoding: .utf8)
        for words in ["left behind after 10 s: controller manager", ": plugins"] { #expect(log.contains(words), "\(words)") }
        #expect(try cluster.outcome("status").code == 2)
    }

    // MARK: Starting

    @Test func saysAtOnceWhyItCannotStart() throws {
        let cluster = try Cluster()
        defer { cluster.remove() }
        func refusal() throws -> String {
            let begin = Date()
            let failure = #expect(throws: Cluster.Failure.self) { try cluster.up() }
            #expect(-begin.timeIntervalSinceNow < 30)
            #expect(try cluster.outcome("status").code == 2)
            return failure?.description ?? ""
        }
        try cluster.up()
        try cluster.kubectl("create", "configmap", "kept")
        try cluster.down()

        let store = "\(cluster.directory)/store.db"
        let content = try Data(contentsOf: URL(filePath: store))
        try FileManager.default.removeItem(atPath: store)
        #expect(try refusal().contains("--empty-store"))
        var damaged = content
        for index in stride(from: 4096, to: damaged.count, by: 7) { damaged[index] = 0xa5 }
        try damaged.write(to: URL(filePath: store))
        #expect(try refusal().contains("damaged"))
        try content.write(to: URL(filePath: store))
        #expect(try cluster.up().contains("is Ready"))
        #expect(try cluster.kubectl("get", "configmaps").contains("kept"))
        // Beside one that runs.
        #expect(try #require(#expect(throws: Cluster.Failure.self) { try cluster.up() }).description.contains("apus runs already on"))
        try cluster.down()

        try FileManager.default.removeItem(atPath: store)
        cluster.options = ["--empty-store"]
        #expect(try cluster.up().contains("is Ready"))
        #expect(try !cluster.kubectl("get", "configmaps").contains("kept"))
    }

    /// Full before the first file, among the certificates, and in the store.
    @Test(arguments: ["0", "100k", "1m"])
    func saysAtOnceThatTheDiskIsFull(room: String) throws {
        let cluster = try Cluster()
        defer {
            cluster.remove()
            _ = try? cluster.run("umount", "-l", cluster.directory)
            cluster.remove()
        }
        try FileManager.default.createDirectory(atPath: cluster.directory, withIntermediateDirectories: true)
        try cluster.run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", cluster.directory)
        try cluster.run("sh", "-c", "cat /dev/zero > \(cluster.directory)/full || truncate -s -\(room) \(cluster.directory)/full")
        let begin = Date()
        let failure = try #require(#expect(throws: Cluster.Failure.self) { try cluster.up() })
        #expect(-begin.timeIntervalSinceNow < 30)
        let told = failure.description.lowercased()
        #expect(told.contains("no space left on device") || told.contains("disk is full"), "\(failure)")
    }
}
