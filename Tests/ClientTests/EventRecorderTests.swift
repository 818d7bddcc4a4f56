import APIModel
import Client
import Synchronization
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1))) struct EventRecorderTests {
    private let pod: Value = [
        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "web", "namespace": "x", "uid": "u", "resourceVersion": "7"],
    ]

    private func events(_ api: FakeAPI) -> [Value] { api.state.withLock { $0.objects.values.map(\.value) } }

    @Test func repetitionsAreCounted() async throws {
        let api = FakeAPI()
        let recorder = EventRecorder(client: api, component: "kubelet", host: "node-1", log: quiet)
        for _ in 0..<3 { recorder.event(about: pod, .warning, reason: "BackOff", message: "Back-off restarting") }
        recorder.event(about: pod, .normal, reason: "Pulled", message: "image")
        try await withThrowingTaskGroup { group in
            group.addTask { await recorder.run() }
            try await eventually("events") { api.requests("create") == 2 && api.requests("patch") == 2 }
            group.cancelAll()
        }
        let event = try #require(events(api).first { $0["reason"].string == "BackOff" })
        #expect(events(api).count == 2)
        #expect(event["count"].int == 3)
        #expect(event["type"].string == "Warning")
        #expect(event["involvedObject"]["uid"].string == "u")
        #expect(event["involvedObject"]["kind"].string == "Pod")
        #expect(event["source"] == ["component": "kubelet", "host": "node-1"])
        #expect(event["metadata"]["namespace"].string == "x")
        let name = try #require(event["metadata"]["name"].string)
        #expect(name.hasPrefix("web.") && UInt64(name.dropFirst(4), radix: 16) != nil)
    }

    @Test func similarEventsAreCombinedAndFloodsAreRationed() async throws {
        let api = FakeAPI()
        let recorder = EventRecorder(client: api, component: "kubelet", log: quiet)
        for count in 0..<100 { recorder.event(about: pod, .normal, reason: "Same", message: "message \(count)") }
        recorder.event(about: ["apiVersion": "v1", "kind": "Node", "name": "node-1"], .normal, reason: "Ready", message: "last")
        try await withThrowingTaskGroup { group in
            group.addTask { await recorder.run() }
            try await eventually("the last") { events(api).contains { $0["reason"].string == "Ready" } }
            group.cancelAll()
        }
        // 25 get through: nine of their own, the others as one.
        #expect(api.requests("create") == 9 + 1 + 1)
        #expect(api.requests("patch") == 15)
        #expect(
            events(api).contains {
                $0["message"].string?.hasPrefix("(combined from similar events): message") == true && $0["count"].int == 16
            })
        #expect(events(api).contains { $0["metadata"]["namespace"].string == "default" && $0["involvedObject"]["name"].string == "node-1" })
    }
}
