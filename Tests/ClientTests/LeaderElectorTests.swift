import APIModel
import Client
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1))) struct LeaderElectorTests {
    private var times: LeaderElector.Times {
        var times = LeaderElector.Times()
        times.lease = .seconds(2)
        times.renewDeadline = .milliseconds(1_200)
        times.retry = .milliseconds(50)
        return times
    }

    private func elector(_ api: FakeAPI, _ identity: String) -> LeaderElector {
        LeaderElector(client: api, namespace: "kube-system", name: "test", identity: identity, times: times, log: quiet)
    }

    private func lease(_ api: FakeAPI) -> Value {
        api.state.withLock { $0.objects["coordination.k8s.io/v1/leases/kube-system/test"]?.value["spec"] ?? .null }
    }

    @Test func oneLeadsAndTheOtherFollowsWhenItIsDone() async throws {
        let api = FakeAPI()
        let counts = Counts()
        try await withThrowingTaskGroup { group in
            for identity in ["a", "b", "c"] {
                let elector = elector(api, identity)
                group.addTask {
                    try await elector.run {
                        counts.most.max(counts.leading.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                        try await Task.sleep(for: .milliseconds(150))
                        counts.leading.subtract(1, ordering: .relaxed)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(counts.most.load(ordering: .relaxed) == 1)
        // Released by the last; two took it over from another.
        #expect(lease(api)["holderIdentity"].string == "")
        #expect(lease(api)["leaseTransitions"].int == 2)
        #expect(lease(api)["acquireTime"].string?.hasSuffix("Z") == true)
    }

    @Test func aLeaderThatCannotRenewStopsLeading() async throws {
        let api = FakeAPI()
        let start = ContinuousClock.now
        await #expect(throws: LeaderElector.Lost.self) {
            try await elector(api, "a").run {
                api.state.withLock { $0.isSilent = true }
                try await Task.sleep(for: .seconds(30))
            }
        }
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(lease(api)["holderIdentity"].string == "a")
    }

    @Test func anExpiredLeaseIsTakenOver() async throws {
        let api = FakeAPI()
        _ = try await api.create(
            .leases, namespace: "kube-system",
            [
                "metadata": ["name": "test", "namespace": "kube-system"],
                "spec": ["holderIdentity": "dead", "leaseDurationSeconds": 1, "leaseTransitions": 4],
            ])
        let start = ContinuousClock.now
        try await elector(api, "a").run {
            #expect(self.lease(api)["holderIdentity"].string == "a")
            #expect(self.lease(api)["leaseTransitions"].int == 5)
        }
        #expect(ContinuousClock.now - start >= .seconds(1))
    }
}

private final class Counts: Sendable {
    let leading = Atomic(0)
    let most = Atomic(0)
}
