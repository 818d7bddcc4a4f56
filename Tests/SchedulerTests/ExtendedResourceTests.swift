import APIModel
import OrderedCollections
import PluginHost
import Testing

@testable import Scheduler

/// Pods that ask by name for what a DeviceClass offers, with the default policy loaded as the shared library it is.
@Suite struct ExtendedResourceTests {
    private let host: PluginHost
    private let loop = SchedulingLoop(seed: 1)
    private static let gpu = "example.com/gpu"

    init() async throws {
        host = try await Policies.load()
        for name in ["a", "b"] { _ = loop.receive(.node(before: nil, after: node(name)), now: 0) }
        put(DeviceObjects.sliceResource, Devices.slice("s", on: "b", [Devices.device("d1"), Devices.device("d2")]))
    }

    private func put(_ resource: GroupVersionResource, before: Object? = nil, _ object: Object?, now: Int64 = 0) {
        _ = loop.receive(.device(resource, before: before, after: object), now: now)
    }

    private func offer(now: Int64 = 0) { put(DeviceObjects.classResource, Devices.deviceClass("gpu", offers: Self.gpu), now: now) }

    private static func asking(_ resource: String, _ amount: Int = 1, priority: Int = 0) -> Value {
        ["priority": Value(priority), "containers": [["name": "c", "resources": ["requests": [resource: .string("\(amount)")]]]]]
    }

    private func come(_ name: String, _ spec: Value, now: Int64 = 0) {
        _ = loop.receive(.pod(before: nil, after: pod(name, spec: spec)), now: now)
    }

    /// `node request:device …`, or the message.
    private func decide(now: Int64 = 0) -> String {
        let effect = loop.cycle(host, now: now)
        guard case .bind(_, let node, let needs) = effect else { return SchedulingLoopTests.describe(effect) }
        return ([node] + needs.claims.map { $0.allocation.map(Devices.describe) ?? "there" }).joined(separator: " ")
    }

    private static func refused(_ reasons: String, _ rest: String) -> String { "0/2 nodes are available: \(reasons). \(rest)" }
    private static let notHelpful = "preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."

    @Test func aNodeWithoutADevicePluginHasThemAsDevices() async {
        offer()
        come("p", Self.asking(Self.gpu))
        #expect(decide() == "b container-0-request-0:d1")
        // Every class is a resource by its name.
        come("q", Self.asking("deviceclass.resource.kubernetes.io/gpu"))
        #expect(decide() == "b container-0-request-0:d2")
        come("r", Self.asking(Self.gpu))
        #expect(decide() == Self.refused("2 cannot allocate all claims", "still not schedulable, \(Self.notHelpful)"))
        // What came to nothing is free again.
        _ = loop.receive(.bindFailed(PodKey(namespace: "default", name: "q"), uid: "uid-q"), now: 10_000)
        #expect(decide(now: 10_000) == "b container-0-request-0:d2")
        await host.stop()
    }

    @Test func aNodeWithADevicePluginHasThemOfThat() async {
        offer()
        let before = node("a")
        _ = loop.receive(.node(before: before, after: node("a", extra: [Self.gpu: "3"])), now: 0)
        come("p", Self.asking(Self.gpu, 3))
        #expect(decide() == "a")
        come("q", Self.asking(Self.gpu, 3))
        #expect(
            decide()
                == Self.refused(
                    "1 Insufficient example.com/gpu, 1 cannot allocate all claims",
                    "still not schedulable, preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling."
                ))
        // For whoever is more important the other goes.
        come("urgent", Self.asking(Self.gpu, 3, priority: 5))
        #expect(decide().hasSuffix("-p@a"))
        await host.stop()
    }

    @Test func aClassThatOffersThemWakesWhoWaits() async {
        come("p", Self.asking(Self.gpu))
        #expect(decide() == Self.refused("2 Insufficient example.com/gpu", "no new claims to deallocate, \(Self.notHelpful)"))
        offer(now: 10_000)
        #expect(decide(now: 10_000) == "b container-0-request-0:d1")
        await host.stop()
    }

    /// The scheduler was stopped between making the claim and binding the Pod, say.
    @Test func aClaimOfAnEarlierAttemptIsDeletedFirst() async {
        offer()
        var left = Devices.claim("p-extended-resources-x", [Devices.request("container-0-request-0")], owner: "p").value
        left["metadata"]["annotations"] = [ExtendedResources.annotation: "true"]
        put(DeviceObjects.claimResource, Object(left))
        come("p", Self.asking(Self.gpu))
        #expect(decide().hasPrefix(Self.refused("2 cannot schedule extended resource claim", "deletion of ResourceClaim completed")))
        guard case .deallocate(let claim) = loop.more() else {
            Issue.record("the claim stays")
            return
        }
        #expect(claim.name == "p-extended-resources-x")
        put(DeviceObjects.claimResource, before: Object(left), nil, now: 10_000)
        #expect(decide(now: 10_000) == "b container-0-request-0:d1")
        await host.stop()
    }

    /// What is assumed is the claim's once the API tells of it, and counts once.
    @Test func theClaimThatIsMadeTakesThePlaceOfWhatWasAssumed() async throws {
        offer()
        come("p", Self.asking(Self.gpu))
        guard case .bind(_, _, let needs) = loop.cycle(host, now: 0), let binding = needs.claims.first else {
            Issue.record("p found no Node")
            return
        }
        #expect(binding.claim.isOfExtendedResources && binding.claim.controllerReference["uid"].string == "uid-p")
        #expect(binding.mappings == [["containerName": "c", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"]])
        var value = binding.claim.value
        value["metadata"]["name"] = "p-extended-resources-x"
        value["metadata"]["uid"] = "made"
        value["metadata"]["resourceVersion"] = "5"
        let made = Devices.allocated(Object(value), try #require(binding.allocation), for: ["p"], version: 6)
        put(DeviceObjects.claimResource, made)
        put(DeviceObjects.claimResource, before: made, nil)
        // Nothing is left of it: both devices can be had.
        come("q", Self.asking(Self.gpu, 2))
        #expect(decide() == "b container-0-request-0:d1 container-0-request-0:d2")
        await host.stop()
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var testDescription: String
        /// How much each asks for: init containers that end, such that stay, and containers.
        var ending: [Int] = []
        var staying: [Int] = []
        var containers: [Int]
        var requests: [String]
        var mappings: [String]
    }

    static let rows = [
        Row(
            testDescription: "two that run together", containers: [1, 2], requests: ["container-0-request-0=1", "container-1-request-0=2"],
            mappings: ["c0 container-0-request-0", "c1 container-1-request-0"]),
        Row(
            testDescription: "one that ends has what comes after it", ending: [2], containers: [1, 1],
            requests: ["container-1-request-0=1", "container-2-request-0=1"],
            mappings: ["c0 container-1-request-0", "c1 container-2-request-0", "e0 container-1-request-0", "e0 container-2-request-0"]
                .sorted()),
        Row(
            testDescription: "and more where that is too little", ending: [3, 2], containers: [1],
            requests: ["container-0-request-0=2", "container-2-request-0=1"],
            mappings: [
                "c0 container-2-request-0", "e0 container-0-request-0", "e0 container-2-request-0", "e1 container-0-request-0",
                "e1 container-2-request-0",
            ]),
        Row(
            testDescription: "one that stays has its own", staying: [1], containers: [1],
            requests: ["container-0-request-0=1", "container-1-request-0=1"],
            mappings: ["c0 container-1-request-0", "s0 container-0-request-0"]),
    ]

    @Test(arguments: rows) func eachContainerHasItsRequests(_ row: Row) throws {
        func container(_ name: String, _ amount: Int, stays: Bool = false) -> Value {
            var value: Value = ["name": .string(name), "resources": ["requests": [Self.gpu: .string("\(amount)")]]]
            if stays { value["restartPolicy"] = "Always" }
            return value
        }
        let initial =
            row.ending.enumerated().map { container("e\($0)", $1) } + row.staying.enumerated().map { container("s\($0)", $1, stays: true) }
        let spec: Value = [
            "initContainers": .array(initial), "containers": .array(row.containers.enumerated().map { container("c\($0)", $1) }),
        ]
        let objects = DeviceObjects()
        _ = objects.put(DeviceObjects.classResource, before: nil, after: Devices.deviceClass("gpu", offers: Self.gpu))
        let extended = try #require(ExtendedResources(PodInfo(pod("p", spec: spec)), objects))
        let found = extended.requests(extended.wanted)
        #expect(found.requests.map { "\($0["name"].string ?? "")=\($0["exactly"]["count"].int ?? 0)" } == row.requests)
        #expect(found.mappings.map { "\($0["containerName"].string ?? "") \($0["requestName"].string ?? "")" }.sorted() == row.mappings)
    }

    @Test func ofSeveralClassesTheNewestCounts() {
        let objects = DeviceObjects()
        for (name, year) in [("old", 2024), ("b", 2026), ("a", 2026)] {
            var value = Devices.deviceClass(name, offers: Self.gpu).value
            value["metadata"]["creationTimestamp"] = .string("\(year)-01-01T00:00:00Z")
            _ = objects.put(DeviceObjects.classResource, before: nil, after: Object(value))
        }
        #expect(objects.className(offering: Self.gpu) == "a")
        #expect(objects.className(offering: "cpu") == nil)
        #expect(objects.className(offering: "deviceclass.resource.kubernetes.io/old") == "old")
    }
}
