import APIModel
import FileSystem
import Logging
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// What becomes of the pods when the machine goes down.
@Suite struct ShutdownTests {
    static let groups = ShutdownPlan([.init(priority: 1000, seconds: 20), .init(priority: 10, seconds: 30), .init(priority: 0, seconds: 5)])

    @Test(arguments: [(nil, 0), (-5, 0), (0, 0), (9, 0), (10, 1), (999, 1), (1000, 2), (2_000_000_000, 2)] as [(Int64?, Int)])
    func findsTheGroup(_ priority: Int64?, _ index: Int) {
        #expect(Self.groups.index(of: pod(["priority": priority.map { .int(Whole($0)) } ?? .null])) == index)
    }

    @Test func plansByTheConfiguration() throws {
        var configuration = KubeletConfiguration(
            nodeName: "node", nodeAddresses: [], podCIDRs: [], rootDirectory: "", podLogsDirectory: "/logs", version: "")
        #expect(ShutdownPlan(configuration).isEmpty)
        let file: Value = [
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration", "shutdownGracePeriod": "30s",
            "shutdownGracePeriodCriticalPods": "10s",
        ]
        try ConfigurationFile.apply(file, to: &configuration)
        let plan = ShutdownPlan(configuration)
        #expect(plan == ShutdownPlan([.init(priority: 0, seconds: 20), .init(priority: 2_000_000_000, seconds: 10)]) && plan.seconds == 30)
        var wrong = file
        wrong["shutdownGracePeriodCriticalPods"] = "31s"
        #expect(throws: ConfigurationFile.Problem.self) { try ConfigurationFile.apply(wrong, to: &configuration) }
        wrong = file
        wrong["shutdownGracePeriodByPodPriority"] = [["priority": 1, "shutdownGracePeriodSeconds": 2]]
        #expect(throws: ConfigurationFile.Problem.self) { try ConfigurationFile.apply(wrong, to: &configuration) }
    }

    /// Says what it is told to, and notes that it was answered.
    private final class Source: ShutdownSource {
        let (words, speaker) = AsyncStream<Bool>.makeStream()
        let answered = Mutex<[Bool]>([])

        func follow(_ each: @Sendable (Bool) async -> Void) async {
            for await word in words {
                await each(word)
                answered.withLock { $0.append(word) }
            }
        }
    }

    @Test func endsPodsInOrder() async throws {
        let bench = Bench()
        bench.client.put(.nodes, makeNode())
        let pods = Pods(context: bench.context)
        let source = Source()
        let changes = Kept(0)
        try await bench.run(pods) {
            bench.client.put(.pods, makePod())
            let critical: Value = [
                "priority": 2_000_000_000, "containers": [["name": "critical", "image": "web:1"]], "terminationGracePeriodSeconds": 60,
            ]
            bench.client.put(.pods, makePod("critical", spec: critical))
            try await bench.wait("web runs") { $0["phase"].string == "Running" }
            try await bench.wait("critical runs", of: "critical") { $0["phase"].string == "Running" }
            let plan = ShutdownPlan([.init(priority: 0, seconds: 20), .init(priority: 2_000_000_000, seconds: 10)])
            try await withThrowingDiscardingTaskGroup { group in
                group.addTask { await bench.context.shutdown.run(plan, source, pods, bench.context) { changes.value.withLock { $0 += 1 } } }
                // While the first lot takes its time, the others stay.
                bench.runtime.hang("StopContainer")
                source.speaker.yield(true)
                try await bench.eventually("web is being stopped") { bench.runtime.count("StopContainer") == 1 }
                #expect(bench.context.shutdown.isUnderWay && bench.runtime.running() == ["critical", "web"])
                bench.client.put(.pods, makePod("late"))
                let late = try await bench.wait("refused", of: "late") { $0["phase"].string == "Failed" }
                #expect(late["reason"].string == "NodeShutdown")
                #expect(late["message"].string == "Pod was rejected: Pod was rejected as the node is shutting down.")
                bench.runtime.release("StopContainer")
                try await bench.eventually("all are gone") { source.answered.withLock { $0 } == [true] }
                #expect(bench.runtime.running() == [])
                for name in ["web", "critical"] {
                    let status = try await bench.wait("ended", of: name) { $0["phase"].string == "Failed" }
                    #expect(status["reason"].string == "Terminated")
                    #expect(status["message"].string == "Pod was terminated in response to imminent node shutdown.")
                    #expect(status.condition("DisruptionTarget") == "True")
                }
                // It does not go down after all.
                source.speaker.yield(false)
                try await bench.eventually("it goes on") { source.answered.withLock { $0 } == [true, false] }
                #expect(!bench.context.shutdown.isUnderWay && changes.value.withLock { $0 } == 2)
                #expect(bench.events.message("Shutdown") == "Shutdown manager detected shutdown cancellation")
                source.speaker.finish()
            }
        }
    }

    // MARK: logind

    @Test func messagesAreReadAsTheyAreWritten() {
        let call = BusMessage(
            call: "KillUnit", of: "org.freedesktop.systemd1.Manager", at: "/org/freedesktop/systemd1", to: "org.freedesktop.systemd1",
            [.string("systemd-logind.service"), .string("all"), .int32(1)])
        #expect(BusMessage(call.bytes) == call && call.signature == "ssi" && call.string == "systemd-logind.service")
        var answer = BusMessage(.answer)
        (answer.serial, answer.replySerial, answer.descriptors, answer.signature, answer.body) = (7, 3, 1, "h", [0, 0, 0, 0])
        #expect(BusMessage(answer.bytes) == answer)
        // Whatever is cut short or turned around is no message, and ends nothing.
        for end in call.bytes.indices { #expect(BusMessage(Array(call.bytes[..<end])) == nil) }
        for index in call.bytes.indices {
            var bytes = call.bytes
            bytes[index] ^= 0xff
            _ = BusMessage(bytes)
        }
    }

    private func logind(_ place: TemporaryDirectory, _ delay: Whole) -> Logind {
        Logind(
            bus: place.path + "/bus", settings: place.path + "/logind.conf.d", delay: delay, disk: BlockingWork(),
            log: Logger(label: "test"))
    }

    @Test func makesTheMachineWait() async throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let fake = FakeLogind(place.path + "/bus", delay: 5_000_000, newDelay: 30_000_000)
        let logind = logind(place, 30)
        try await logind.prepare()
        let settings = Files.text(place.path + "/logind.conf.d/99-kubelet.conf")
        #expect(settings == "# Kubelet logind override\n\n[Login]\nInhibitDelayMaxSec=30\n")
        let told = Kept<[Bool]>([])
        try await withThrowingDiscardingTaskGroup { group in
            group.addTask {
                await logind.follow { isGoingDown in
                    #expect(fake.isHeld)
                    told.value.withLock { $0.append(isGoingDown) }
                }
            }
            try await eventually("it listens") { fake.state.withLock { $0.calls.last } == "AddMatch" && fake.isHeld }
            fake.tell(isGoingDown: true)
            try await eventually("the machine may go") { told.value.withLock { $0 } == [true] && !fake.isHeld }
            group.cancelAll()
        }
        fake.stop()
    }

    @Test func refusesWithoutLogind() async throws {
        let place = TemporaryDirectory()
        defer { place.remove() }
        let logind = logind(place, 30)
        let missing = await #expect(throws: ConfigurationError.self) { try await logind.prepare() }
        #expect(missing?.message.hasPrefix("shutdownGracePeriod needs logind, which is asked at \(place.path)/bus: ") == true)
        #expect(missing?.message.hasSuffix("Start dbus and systemd-logind, or leave the setting out") == true)
    }
}

/// What tasks of one test write down.
private final class Kept<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: sending Value) { self.value = Mutex(value) }
}
