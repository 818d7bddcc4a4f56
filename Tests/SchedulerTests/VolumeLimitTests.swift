import APIModel
import PluginHost
import Testing

@testable import Scheduler

/// How many volumes a Node can have attached, with the default policy loaded as the shared library it is.
@Suite struct VolumeLimitTests {
    private let host: PluginHost
    private let loop = SchedulingLoop(seed: 1)
    private static let full = "node(s) exceed max volume count"

    init() async throws {
        host = try await Policies.load()
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        setLimit(2)
    }

    private func setLimit(_ count: Int64?) {
        let driver: Value = ["name": "disk.example.com", "nodeID": "a", "allocatable": count.map { ["count": .int($0)] } ?? .null]
        let node = Object(["metadata": ["name": "a"], "spec": ["drivers": [driver]]])
        _ = loop.receive(.attachment(StorageObjects.driversOfNodes, before: nil, after: node), now: 0)
    }

    private func volume(_ name: String, driver: String = "disk.example.com", claim: String? = nil) {
        let spec: Value = ["csi": ["driver": .string(driver), "volumeHandle": .string("handle-\(name)")]]
        let volume = Object(["metadata": ["name": .string(name)], "spec": spec])
        _ = loop.receive(.volume(StorageObjects.volumes, before: nil, after: volume), now: 0)
        let bound = Object([
            "metadata": [
                "name": .string(claim ?? name), "namespace": "default", "annotations": ["pv.kubernetes.io/bind-completed": "yes"],
            ],
            "spec": ["volumeName": .string(name), "accessModes": ["ReadWriteOnce"]],
        ])
        _ = loop.receive(.volume(StorageObjects.claims, before: nil, after: bound), now: 0)
    }

    private func using(_ claims: [String], priority: Int64 = 0) -> Value {
        let volumes: [Value] = claims.map { ["name": .string($0), "persistentVolumeClaim": ["claimName": .string($0)]] }
        return ["volumes": .array(volumes), "priority": .int(priority)]
    }

    private func run(_ name: String, _ claims: String...) {
        _ = loop.receive(.pod(before: nil, after: pod(name, on: "a", spec: using(claims))), now: 0)
    }

    private func decide(_ name: String, _ claims: String..., priority: Int64 = 0, now: Int64 = 0) -> String {
        _ = loop.receive(.pod(before: nil, after: pod(name, spec: using(claims, priority: priority))), now: now)
        return SchedulingLoopTests.describe(loop.cycle(host, now: now))
    }

    private func attach(_ volume: String, isThere: Bool = true) {
        let attachment = Object([
            "metadata": ["name": .string("of-\(volume)")],
            "spec": ["nodeName": "a", "attacher": "disk.example.com", "source": ["persistentVolumeName": .string(volume)]],
        ])
        _ = loop.receive(
            .attachment(StorageObjects.attachments, before: isThere ? nil : attachment, after: isThere ? attachment : nil), now: 0)
    }

    @Test func aNodeTakesAsManyVolumesAsItCan() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        volume("other", driver: "file.example.com")
        #expect(decide("p1", "v1") == "a")
        #expect(decide("p2", "v2") == "a")
        #expect(decide("p3", "v3").hasPrefix("0/1 nodes are available: 1 \(Self.full)."))
        // What is there already, and what another driver has, is none more.
        #expect(decide("p4", "v1", "v2", "other") == "a")
        await host.stop()
    }

    @Test func aVolumeCountsOnceHoweverManyUseIt() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        run("q1", "v1")
        run("q2", "v1")
        #expect(decide("p", "v2") == "a")
        _ = loop.receive(.pod(before: pod("q1", on: "a", spec: using(["v1"])), after: nil), now: 0)
        #expect(decide("r", "v3").contains(Self.full))
        _ = loop.receive(.pod(before: pod("q2", on: "a", spec: using(["v1"])), after: nil), now: 0)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 60_000)) == "a")
        await host.stop()
    }

    @Test func whatIsAttachedWithoutAPodCounts() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        attach("v1")
        attach("v2")
        run("q", "v2")
        #expect(decide("p", "v3").contains(Self.full))
        attach("v1", isThere: false)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 60_000)) == "a")
        await host.stop()
    }

    @Test func aHigherLimitLetsAPodRun() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        run("q", "v1", "v2")
        #expect(decide("p", "v3").contains(Self.full))
        setLimit(3)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 60_000)) == "a")
        setLimit(0)
        volume("v4")
        #expect(decide("r", "v4", now: 60_000).contains(Self.full))
        setLimit(nil)
        #expect(SchedulingLoopTests.describe(loop.cycle(host, now: 120_000)) == "a")
        await host.stop()
    }

    @Test func aClaimThatIsUnderstoodLaterCountsFromThen() async {
        run("q", "early", "v1")
        volume("v1")
        volume("v2")
        #expect(decide("p1", "v2") == "a")
        volume("late", claim: "early")
        volume("v3")
        // One too many, and none more.
        #expect(decide("p2", "v3").contains(Self.full))
        await host.stop()
    }

    @Test func whoeverIsLessImportantMakesRoom() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        run("q1", "v1")
        run("q2", "v2")
        #expect(decide("p", "v3", priority: 10).contains("\(Self.full). -q"))
        await host.stop()
    }

    @Test func aNodeThatComesBackHasItsVolumesStill() async {
        for name in ["v1", "v2", "v3"] { volume(name) }
        run("q", "v1", "v2")
        _ = loop.receive(.node(before: node("a"), after: nil), now: 0)
        _ = loop.receive(.node(before: nil, after: node("a")), now: 0)
        #expect(decide("p", "v3").contains(Self.full))
        await host.stop()
    }
}
