import APIModel
import Client
import FileSystem
import OrderedCollections
import Synchronization
import TestStorage
import TestSupport
import Testing

@testable import Kubelet

/// Claims of pods, from a driver's socket into a container.
@Suite struct DynamicResourceTests {
    private static let slices = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceslices")

    private static func claim(
        _ name: String, for pods: [String], driver: String = "gpu.example", owner: String? = nil, isAllocated: Bool = true
    ) -> Value {
        let owners: Value = owner.map { [["kind": "Pod", "name": "web", "uid": .string($0), "controller": true]] } ?? .null
        let allocation: Value = [
            "devices": ["results": [["request": "one", "driver": .string(driver), "pool": "node", "device": "one"]]]
        ]
        return [
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string("claim-\(name)"), "ownerReferences": owners],
            "status": [
                "allocation": isAllocated ? allocation : .null,
                "reservedFor": .array(pods.map { ["resource": "pods", "name": .string($0), "uid": .string("uid-\($0)")] }),
            ],
        ]
    }

    private static func spec(_ uses: [Value] = [["name": "gpu"]], claim: String = "shared") -> Value {
        [
            "resourceClaims": [["name": "gpu", "resourceClaimName": .string(claim)]],
            "containers": [["name": "web", "image": "web:1", "resources": ["claims": .array(uses)]]],
        ]
    }

    private static func begin(_ bench: Bench) -> ClaimDriver {
        bench.client.put(.nodes, makeNode())
        return ClaimDriver(root: bench.context.configuration.rootDirectory)
    }

    private func isRegistered(_ bench: Bench, _ driver: ClaimDriver) async throws {
        try await bench.eventually("registered: \(driver.state.withLock { $0.told })") {
            bench.context.claims.drivers.isUsable(driver.name)
        }
    }

    private static func cdi(_ config: Value) -> [String?] { config["CDI_devices"].elements.map { $0["name"].string } }

    @Test(arguments: DRADriver.services) func podsShareAClaim(_ service: String) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { $0.services = [service] }
        try await driver.start()
        try await bench.run {
            try await isRegistered(bench, driver)
            bench.client.put(PodClaim.objects, Self.claim("shared", for: ["web", "more"]))
            bench.client.put(.pods, makePod(spec: Self.spec([["name": "gpu", "request": "two"]])))
            let status = try await bench.wait("running") { $0["phase"].string == "Running" }
            let config = bench.runtime.config("web")
            #expect(Self.cdi(config) == ["example/gpu=shared-two"])
            #expect(config["annotations"]["cdi.k8s.io/dra_claim-shared"].string == "example/gpu=shared-two")
            #expect(
                status["containerStatuses"][0]["allocatedResourcesStatus"] == [
                    ["name": "claim:gpu/two", "resources": [["resourceID": "example/gpu=shared-two", "health": "Unknown"]]]
                ])
            bench.client.put(.pods, makePod("more", spec: Self.spec()))
            try await bench.wait("running", of: "more") { $0["phase"].string == "Running" }
            #expect(Self.cdi(bench.runtime.config("web")) == ["example/gpu=shared-one", "example/gpu=shared-two"])
            #expect(driver.asked("NodePrepareResources") == [["shared"]])

            // Others on the node can ask who has what.
            let socket = PluginSocket(bench.context.configuration.rootDirectory + "/pod-resources/kubelet.sock", .devices)
            let answer = try await socket.call(
                "v1.PodResourcesLister/Get", ["pod_name": "more", "pod_namespace": "default"],
                ("GetPodResourcesRequest", "GetPodResourcesResponse"), within: .seconds(10))
            let told = answer[path: "pod_resources", "containers"][0]["dynamic_resources"][0]
            #expect(told["claim_name"].string == "shared" && told["claim_namespace"].string == "default")
            #expect(told["claim_resources"].elements.map { $0["device_name"].string } == ["one", "two"])
            #expect(told["claim_resources"][1]["cdi_devices"][0]["name"].string == "example/gpu=shared-two")
            #expect(told["claim_resources"][0]["driver_name"].string == "gpu.example")

            // It stays while one of them is there.
            bench.client.markDeleted("web", grace: 0)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "web") == nil }
            #expect(driver.asked("NodeUnprepareResources").isEmpty)
            bench.client.markDeleted("more", grace: 0)
            try await bench.eventually("gone") { bench.client.object(.pods, "default", "more") == nil }
            #expect(driver.asked("NodeUnprepareResources") == [["shared"]])
        }
        await driver.stop()
    }

    @Test func aPodWaitsForItsClaims() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        let problem: @Sendable (String) async throws -> Void = { text in
            let text = "Failed to prepare dynamic resources: prepare dynamic resources: \(text)"
            try await bench.eventually(text) { bench.events.message("FailedPrepareDynamicResources") == text }
        }
        try await bench.run {
            var pod = makePod(spec: Self.spec())
            pod["spec"]["resourceClaims"] = [["name": "gpu", "resourceClaimTemplateName": "template"]]
            bench.client.put(.pods, pod)
            try await problem("pod \"default/web\": ResourceClaim not created yet")
            let status = try await bench.wait("told") { $0["containerStatuses"].elements.count == 1 }
            #expect(status["containerStatuses"][0][path: "state", "waiting", "reason"].string == "ContainerCreating")
            /// Gives the pod another look at the claim.
            let touch: @Sendable () -> Void = {
                guard var pod = bench.client.object(.pods, "default", "web") else { return }
                pod["metadata"]["labels"]["touched"] = .string(pod["metadata"]["resourceVersion"].string ?? "")
                pod["status"]["resourceClaimStatuses"] = [["name": "gpu", "resourceClaimName": "made"]]
                bench.client.put(.pods, pod)
            }
            let steps: [(Value, String)] = [
                (Self.claim("made", for: []), "ResourceClaim default/made was not created for pod default/web (pod is not owner)"),
                (
                    Self.claim("made", for: ["other"], owner: "uid-web"),
                    "pod web (uid-web) is not allowed to use ResourceClaim made (claim-made)"
                ), (Self.claim("made", for: ["web"], owner: "uid-web", isAllocated: false), "ResourceClaim made: not allocated"),
                (Self.claim("made", for: ["web"], owner: "uid-web"), "DRA driver gpu.example is not registered"),
            ]
            for (claim, text) in steps {
                bench.client.put(PodClaim.objects, claim)
                touch()
                try await problem(text)
            }
            // So far there is nothing to take back.
            #expect(!bench.context.claims.holds("uid-web"))
            driver.state.withLock { $0.failures["NodePrepareResources"] = "no such thing" }
            try await driver.start()
            try await isRegistered(bench, driver)
            touch()
            try await problem("NodePrepareResources failed for ResourceClaim made: no such thing")
            driver.state.withLock {
                $0.failures = [:]
                $0.silent = ["NodePrepareResources"]
            }
            touch()
            try await problem("NodePrepareResources skipped 1 ResourceClaims")
            #expect(bench.runtime.count("RunPodSandbox") == 0)
            driver.state.withLock { $0.silent = [] }
            touch()
            try await bench.wait("running") { $0["phase"].string == "Running" }
        }
        await driver.stop()
    }

    @Test func whatIsReadyOutlivesTheKubelet() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        try await driver.start()
        try await bench.run(isFollowed: true) {
            try await isRegistered(bench, driver)
            for name in ["web", "more"] {
                bench.client.put(PodClaim.objects, Self.claim(name, for: [name]))
                bench.client.put(.pods, makePod(name, spec: Self.spec(claim: name)))
                try await bench.wait("running", of: name) { $0["phase"].string == "Running" }
            }
        }
        await driver.stop()
        let next = Bench(after: bench)
        // One pod goes while nobody looks.
        _ = try await next.client.delete(.pods, namespace: "default", name: "more", options: .null)
        try await next.run {
            // A container that starts again needs nobody to ask.
            let starts = next.runtime.count("StartContainer")
            for id in next.runtime.running() { next.runtime.exit(id, code: 1) }
            try await next.eventually("it starts again") { next.runtime.count("StartContainer") > starts }
            #expect(Self.cdi(next.runtime.config("web")) == ["example/gpu=web-one", "example/gpu=web-two"])
            let again = ClaimDriver(root: next.context.configuration.rootDirectory)
            again.state.withLock { $0.failures["NodeUnprepareResources"] = "not now" }
            try await again.start()
            try await isRegistered(next, again)
            // A pod is not gone before its claims are.
            next.client.markDeleted("web", grace: 0)
            try await next.eventually("asked") { again.asked("NodeUnprepareResources").contains(["web"]) }
            #expect(next.client.object(.pods, "default", "web") != nil && again.asked("NodePrepareResources").isEmpty)
            again.state.withLock { $0.failures = [:] }
            try await next.eventually("gone") { next.client.object(.pods, "default", "web") == nil }
            next.context.claims.abandon(["uid-more"])
            try await next.eventually("the other one, too") { next.context.claims.pods.isEmpty }
            #expect(Set(again.asked("NodeUnprepareResources").flatMap { $0 }) == ["web", "more"])
            await again.stop()
        }
    }

    @Test func aPodHasNotEndedBeforeItsClaimsAreTakenBack() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { $0.failures["NodeUnprepareResources"] = "not now" }
        try await driver.start()
        try await bench.run {
            try await isRegistered(bench, driver)
            bench.client.put(PodClaim.objects, Self.claim("shared", for: ["web"]))
            var pod = makePod(spec: Self.spec())
            pod["spec"]["restartPolicy"] = "Never"
            bench.client.put(.pods, pod)
            try await bench.wait("running") { $0["phase"].string == "Running" }
            bench.runtime.exit("web", code: 0)
            let status = try await bench.wait("told that its container ended") {
                !$0["containerStatuses"][0][path: "state", "terminated"].isNull
            }
            #expect(status["phase"].string == "Running")
            try await bench.eventually("asked") { !driver.asked("NodeUnprepareResources").isEmpty }
            driver.state.withLock { $0.failures = [:] }
            try await bench.wait("ended") { $0["phase"].string == "Succeeded" }
            #expect(!bench.context.claims.holds("uid-web"))
        }
        await driver.stop()
    }

    @Test func slicesOfADriverThatIsGoneGo() async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        @Sendable func slice(_ name: String, of driver: String) {
            bench.client.put(
                Self.slices, ["metadata": ["name": .string(name)], "spec": ["nodeName": "node", "driver": .string(driver)]])
        }
        slice("old", of: "gone.example")
        try await driver.start()
        try await bench.run {
            try await bench.eventually("what an earlier kubelet left is gone") { bench.client.object(Self.slices, nil, "old") == nil }
            try await isRegistered(bench, driver)
            slice("new", of: driver.name)
            slice("other", of: "other.example")
            await driver.stop()
            try await bench.eventually("the driver's are gone") { bench.client.object(Self.slices, nil, "new") == nil }
            #expect(bench.client.object(Self.slices, nil, "other") != nil)
        }
    }

    @Test(
        arguments: [
            ([], "empty list of supported gRPC services (aka supported versions)"),
            (
                ["1.0.0"],
                #"none of services supported by the plugin (["1.0.0"]) are supported by the kubelet (["v1.DRAPlugin" "v1beta1.DRAPlugin"])"#
            ),
        ] as [([String], String)])
    func aDriverIsRefused(_ services: [String], _ reason: String) async throws {
        let bench = Bench()
        let driver = Self.begin(bench)
        driver.state.withLock { $0.services = services }
        try await driver.start()
        try await bench.run {
            try await bench.eventually("told") { driver.state.withLock { !$0.told.isEmpty } }
            let told = driver.state.withLock { $0.told[0] }
            let message = "invalid supported gRPC versions of DRA driver plugin gpu.example at endpoint \(driver.socket): \(reason)"
            #expect(told["error"].string == "RegisterPlugin error -- plugin validation failed with err: \(message)")
        }
        await driver.stop()
    }

    @Test func slicesStayForAWhile() {
        let start = ContinuousClock.now
        var wipes = ResourceSliceWipes(delay: .seconds(30))
        #expect(wipes.look(["a": true, "b": false], now: start) == [])
        #expect(wipes.look(["a": true, "b": false], now: start + .seconds(29)) == [])
        #expect(wipes.look(["a": true, "b": false], now: start + .seconds(30)) == ["b"])
        #expect(wipes.look(["a": true, "b": false], now: start + .seconds(90)) == [])
        // Gone, and there again before its time.
        #expect(wipes.look(["b": true], now: start + .seconds(91)) == [])
        #expect(wipes.look(["a": true, "b": true], now: start + .seconds(100)) == [])
        #expect(wipes.look([:], now: start + .seconds(130)) == [])
        #expect(wipes.look([:], now: start + .seconds(160)) == ["a", "b"])
        #expect(wipes.isIdle)
    }

    @Test func whatIsWrittenIsRead() {
        let device = ClaimBook.Device(pool: "p", name: "d", share: "s", requests: ["r"], cdi: ["x/y=z"])
        let key = ClaimBook.Key(namespace: "n", name: "c")
        let book = ClaimBook([key: ClaimBook.Entry(uid: "u", pods: ["a", "b"], drivers: ["x": [device], "y": []])])
        #expect(ClaimCheckpoint.decode(ClaimCheckpoint.encode(book)) == book)
        #expect(ClaimCheckpoint.decode(Array("{}".utf8)) == nil && ClaimCheckpoint.decode(Array("x".utf8)) == nil)
    }
}
