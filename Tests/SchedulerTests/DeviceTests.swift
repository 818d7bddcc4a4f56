import APIModel
import OrderedCollections
import PluginHost
import Testing

@testable import Scheduler

/// Where a Pod's ResourceClaims let it run, with the default policy loaded as the shared library it is.
@Suite struct DeviceTests {
    private let host: PluginHost
    private let loop = SchedulingLoop(seed: 1)

    init() async throws {
        host = try await Policies.load()
        for name in ["a", "b"] { _ = loop.receive(.node(before: nil, after: node(name)), now: 0) }
        put(DeviceObjects.classResource, Devices.deviceClass("gpu"))
    }

    private func put(_ resource: GroupVersionResource, before: Object? = nil, _ object: Object?, now: Int64 = 0) {
        _ = loop.receive(.device(resource, before: before, after: object), now: now)
    }
    private func put(slice: Object, now: Int64 = 0) { put(DeviceObjects.sliceResource, slice, now: now) }
    private func put(claim: Object, now: Int64 = 0) { put(DeviceObjects.claimResource, claim, now: now) }

    private func using(_ claims: String..., priority: Int = 0) -> Value {
        [
            "priority": Value(priority),
            "resourceClaims": .array(claims.map { ["name": .string("of-\($0)"), "resourceClaimName": .string($0)] }),
        ]
    }

    private func come(_ name: String, _ spec: Value, now: Int64 = 0) {
        _ = loop.receive(.pod(before: nil, after: pod(name, spec: spec)), now: now)
    }

    /// `node claim=request:device …`, or the message.
    private func decide(now: Int64 = 0) -> String { describe(loop.cycle(host, now: now)) }

    private func describe(_ effect: SchedulingLoop.Effect?) -> String {
        guard case .bind(_, let node, let needs) = effect else { return SchedulingLoopTests.describe(effect) }
        return
            ([node]
            + needs.claims.map { binding in "\(binding.claim.name)=\(binding.allocation.map(Devices.describe) ?? "there")" })
            .joined(separator: " ")
    }

    private func refused(_ reason: String) -> String {
        "0/2 nodes are available: 2 \(reason). still not schedulable, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
    }

    @Test func aPodGoesWhereItsDevicesAreAndNoTwoGetOne() async {
        put(slice: Devices.slice("s", on: "b", [Devices.device("d1"), Devices.device("d2")]))
        for name in ["p", "q", "r"] {
            put(claim: Devices.claim("c-\(name)", [Devices.request("x")]))
            come(name, using("c-\(name)"))
        }
        #expect(decide() == "b c-p=x:d1")
        #expect(decide() == "b c-q=x:d2")
        #expect(decide() == refused("cannot allocate all claims"))
        // What came to nothing is free again, whatever else failed.
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "p"), uid: "somebody"), now: 0)
        #expect(decide(now: 500) == "nothing")
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "p"), uid: "uid-p"), now: 1000)
        #expect(decide(now: 1000) == "b c-r=x:d1")
        await host.stop()
    }

    @Test func whatWasWrittenCountsUntilTheAPISaysOtherwise() async {
        put(slice: Devices.slice("s", on: "a", [Devices.device("d1")]))
        let claim = Devices.claim("c", [Devices.request("x")])
        put(claim: claim)
        come("p", using("c"))
        guard case .bind(let bound, _, let needs) = loop.cycle(host, now: 0), let allocation = needs.claims.first?.allocation else {
            Issue.record("no device")
            return
        }
        let written = Devices.allocated(claim, allocation, for: ["p"], version: 7)
        _ = loop.receive(.claimWritten(written), now: 0)
        // The cache is behind: that is no news.
        put(claim: Object(claim.value))
        put(claim: Devices.claim("d", [Devices.request("x")]))
        come("q", using("d"))
        #expect(decide() == refused("cannot allocate all claims"))
        // The Pod goes, and the controller takes the device back.
        _ = loop.receive(.pod(before: bound, after: nil), now: 1000)
        #expect(decide(now: 1000) == "nothing")
        put(claim: Devices.claim("c", [Devices.request("x")], version: 8), now: 60_000)
        #expect(decide(now: 60_000) == "a d=x:d1")
        await host.stop()
    }

    @Test func aPodWaitsForItsClaims() async {
        put(slice: Devices.slice("s", on: "a", [Devices.device("d1")]))
        come("p", using("c"))
        #expect(decide() == "nothing")
        put(claim: Devices.claim("other", [Devices.request("x")]))
        #expect(decide() == "nothing")
        put(claim: Devices.claim("c", [Devices.request("x")]))
        #expect(decide() == "a c=x:d1")
        // The claim of a template is known once the Pod's status names it, and is nobody else's.
        var templated = pod("q", spec: ["resourceClaims": [["name": "of-q", "resourceClaimTemplateName": "t"]]]).value
        _ = loop.receive(.pod(before: nil, after: Object(templated)), now: 0)
        put(claim: Devices.claim("q-made", [Devices.request("x")], owner: "somebody"))
        templated["status"]["resourceClaimStatuses"] = [["name": "of-q", "resourceClaimName": "q-made"]]
        _ = loop.receive(.pod(before: nil, after: Object(templated)), now: 0)
        #expect(decide() == "nothing")
        put(slice: Devices.slice("t", on: "b", [Devices.device("d1")]))
        put(claim: Devices.claim("q-made", [Devices.request("x")], owner: "q"))
        #expect(decide() == "b q-made=x:d1")
        // None was needed.
        templated["metadata"] = ["name": "s", "namespace": "default", "uid": "uid-s"]
        templated["status"]["resourceClaimStatuses"] = [["name": "of-q"]]
        _ = loop.receive(.pod(before: nil, after: Object(templated)), now: 0)
        #expect(["a", "b"].contains(decide()))
        await host.stop()
    }

    @Test func whatMayHelpWakes() async {
        put(claim: Devices.claim("c", [Devices.request("x", nil, ["deviceClassName": "tpu"])]))
        come("p", using("c"))
        #expect(
            decide()
                == "0/2 nodes are available: request x: device class tpu does not exist. no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
        #expect(decide(now: 60_000) == "nothing")
        put(DeviceObjects.classResource, Devices.deviceClass("tpu"), now: 60_000)
        #expect(decide(now: 60_000) == refused("cannot allocate all claims"))
        #expect(decide(now: 120_000) == "nothing")
        put(slice: Devices.slice("s", on: "b", [Devices.device("d1")]), now: 120_000)
        #expect(decide(now: 120_000) == "b c=x:d1")
        await host.stop()
    }

    @Test func aSharedClaimIsAllocatedOnce() async {
        put(slice: Devices.slice("s", on: "b", [Devices.device("d1"), Devices.device("d2")]))
        let claim = Devices.claim("c", [Devices.request("x")])
        put(claim: claim)
        come("p", using("c"))
        come("q", using("c"))
        guard case .bind(_, "b", let needs) = loop.cycle(host, now: 0), let allocation = needs.claims.first?.allocation else {
            Issue.record("no device")
            return
        }
        #expect(decide().contains("resource claim default/c is in the process of being allocated"))
        put(claim: Devices.allocated(claim, allocation, for: ["p"]), now: 1000)
        #expect(decide(now: 1000) == "b c=there")
        await host.stop()
    }

    @Test func anIdleClaimThatIsOutOfReachIsTakenBack() async {
        let elsewhere: Value = [
            "devices": ["results": [["request": "x", "driver": "gpu.example.com", "pool": "s", "device": "d1"]]],
            "nodeSelector": ["nodeSelectorTerms": [["matchFields": [["key": "metadata.name", "operator": "In", "values": ["gone"]]]]]],
        ]
        let claim = Devices.claim("c", [Devices.request("x")])
        put(claim: Devices.allocated(claim, elsewhere, for: ["p"]))
        come("p", using("c"))
        #expect(
            decide()
                == "0/2 nodes are available: 2 resourceclaim not available on the node. deallocation of ResourceClaim completed, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        )
        #expect(describe(loop.more()) == "takes back c")
        // It is somebody else's as well.
        put(claim: Devices.allocated(claim, elsewhere, for: ["p", "q"], version: 3), now: 60_000)
        #expect(decide(now: 60_000) == refused("resourceclaim not available on the node"))
        #expect(loop.more() == nil)
        await host.stop()
    }

    @Test func aWrongClaimIsAnError() async {
        put(slice: Devices.slice("s", on: "b", [Devices.device("d1")]))
        put(claim: Devices.claim("c", [Devices.request("x", "device.nothing")]))
        come("p", using("c"))
        #expect(decide().hasPrefix("claim default/c: selector #0: CEL compile error: "))
        await host.stop()
    }

    @Test func aNodeWithWhatIsWantedMostIsBest() async {
        put(slice: Devices.slice("s", on: "a", [Devices.device("d1", ["model": ["string": "red"]])]))
        put(slice: Devices.slice("t", on: "b", [Devices.device("d1", ["model": ["string": "blue"]])]))
        let blue = "device.attributes['gpu.example.com'].model == 'blue'"
        put(claim: Devices.claim("c", [Devices.anyOf("x", [("best", blue, [:]), ("any", nil, [:])])]))
        come("p", using("c"))
        #expect(decide() == "b c=x/best:d1")
        await host.stop()
    }

    /// Devices are no reason to take Pods away.
    @Test func nobodyMakesRoomForDevices() async {
        put(slice: Devices.slice("s", on: "a", [Devices.device("d1")]))
        for name in ["c", "d"] { put(claim: Devices.claim(name, [Devices.request("x")])) }
        come("p", using("c"))
        #expect(decide() == "a c=x:d1")
        come("q", using("d", priority: 100))
        #expect(decide() == refused("cannot allocate all claims"))
        await host.stop()
    }
}
