import APIModel
import Client
import Testing

@Suite(.serialized) struct ServiceTests {
    private static func service(
        _ name: String, ports: Value = [["name": "http", "port": 80, "targetPort": "web"]], _ fields: [String: Value] = [:]
    ) -> Value {
        var service: Value = [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name), "labels": ["team": "x"]],
            "spec": ["selector": ["app": "web"], "ports": ports],
        ]
        for (field, value) in fields { service["spec"][field] = value }
        return service
    }

    private static func slices(_ objects: [Object], of service: String) -> [Object] {
        objects.filter { $0.labels["kubernetes.io/service-name"] == service }
    }
    private static func endpoint(_ objects: [Object], _ service: String) -> Value? {
        slices(objects, of: service).first?.value["endpoints"][0]
    }
    /// By family, the addresses in a Service's slices.
    private static func families(_ objects: [Object], _ service: String) -> [String: Set<String>] {
        slices(objects, of: service).reduce(into: [:]) { found, slice in
            let all = slice.value["endpoints"].elements.flatMap { $0["addresses"].elements.compactMap(\.string) }
            found[slice.value["addressType"].string ?? "", default: []].formUnion(all)
        }
    }
    private static func ready(_ objects: [Object], of service: String) -> Int {
        slices(objects, of: service).reduce(0) { $0 + $1.value["endpoints"].elements.count { $0["conditions"]["ready"].bool == true } }
    }
    private static func addresses(_ endpoints: Value?, _ list: String) -> Int {
        endpoints?["subsets"].elements.reduce(0) { $0 + $1[list].elements.count } ?? 0
    }

    @Test func eachFamilyOfAServiceHasItsSlices() async throws {
        var setup = Cluster.Setup(only: ["endpointslice", "endpoints"], hasKubelet: false)
        setup.serviceRanges = "10.96.0.0/16,fd00:10:96::/112"
        try await Cluster.with(setup) { cluster in
            let client = cluster.client
            try await cluster.addNode("n1")
            for (name, ips) in [("a", ["10.244.0.5", "fd00:10:244::5"]), ("b", ["10.244.0.6"])] {
                let container: Value = ["name": "c", "image": "i", "ports": [["name": "web", "containerPort": 8080]]]
                _ = try await client.create(
                    .pods, namespace: "default",
                    [
                        "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "labels": ["app": "web"]],
                        "spec": ["nodeName": "n1", "containers": [container]],
                    ])
                let status: Value = [
                    "phase": "Running", "podIP": .string(ips[0]), "podIPs": .array(ips.map { ["ip": .string($0)] }),
                    "conditions": [["type": "Ready", "status": "True"]],
                ]
                _ = try await client.patch(
                    .pods, namespace: "default", name: name, subresource: "status", .strategicMerge, ["status": status])
            }
            _ = try await client.create(.services, namespace: "default", Self.service("dual", ["ipFamilyPolicy": "PreferDualStack"]))
            _ = try await client.create(.services, namespace: "default", Self.service("six", ["ipFamilies": ["IPv6"]]))
            let four: Set = ["10.244.0.5", "10.244.0.6"]
            try await cluster.wait(for: .endpointSlices, "slices of both families") {
                Self.families($0, "dual") == ["IPv4": four, "IPv6": ["fd00:10:244::5"]]
                    && Self.families($0, "six") == ["IPv6": ["fd00:10:244::5"]]
            }
            try await cluster.wait(for: .endpoints, in: "default", "the primary family alone") { all in
                func ips(_ name: String) -> Set<String> {
                    let subsets = all.first { $0.name == name }?.value["subsets"].elements ?? []
                    return Set(subsets.flatMap { $0["addresses"].elements.compactMap { $0["ip"].string } })
                }
                return ips("dual") == four && ips("six") == ["fd00:10:244::5"]
            }
            let single: Value = ["spec": ["ipFamilyPolicy": "SingleStack"]]
            _ = try await client.patch(.services, namespace: "default", name: "dual", subresource: nil, .merge, single)
            try await cluster.wait(for: .endpointSlices, "slices of one family") { Self.families($0, "dual") == ["IPv4": four] }
        }
    }

    @Test func endpointsMadeByHandAreMirrored() async throws {
        try await Cluster.with(Cluster.Setup(only: ["endpointslicemirroring", "garbage-collector"], hasKubelet: false)) { cluster in
            let client = cluster.client
            var endpoints: Value = [
                "apiVersion": "v1", "kind": "Endpoints",
                "metadata": ["name": "db", "labels": ["team": "x"], "annotations": ["note": "by hand"]],
                "subsets": [
                    [
                        "addresses": [["ip": "10.9.0.2"], ["ip": "2001:db8::2"]], "notReadyAddresses": [["ip": "10.9.0.1"]],
                        "ports": [["name": "sql", "port": 5432]],
                    ]
                ],
            ]
            let made = try await client.create(.endpoints, namespace: "default", endpoints)
            var service = Self.service("db", ports: [["name": "sql", "port": 5432]])
            service["spec"]["selector"] = .null
            _ = try await client.create(.services, namespace: "default", service)
            let slices = Self.slices(
                try await cluster.wait(for: .endpointSlices, "a slice of each family") { Self.slices($0, of: "db").count == 2 }, of: "db")
            let slice = try #require(slices.first { $0.value["addressType"] == "IPv4" })
            #expect(slice.controllerReference["uid"].string == made.uid && slice.metadata["annotations"].strings == ["note": "by hand"])
            #expect(
                slice.labels == [
                    "team": "x", "kubernetes.io/service-name": "db",
                    "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
                ])
            #expect(slice.value["ports"] == [["name": "sql", "port": 5432, "protocol": "TCP"]])
            #expect(
                slice.value["endpoints"] == [
                    ["addresses": ["10.9.0.1"], "conditions": ["ready": false]],
                    ["addresses": ["10.9.0.2"], "conditions": ["ready": true]],
                ])
            try await cluster.waitUntilQuiet()

            // Other addresses change the slice, and no address leaves none.
            endpoints = try await client.get(.endpoints, namespace: "default", name: "db").value
            endpoints["subsets"] = [["addresses": [["ip": "10.9.0.3"]], "ports": [["name": "sql", "port": 5432]]]]
            _ = try await client.update(.endpoints, namespace: "default", name: "db", endpoints)
            try await cluster.wait(for: .endpointSlices, "the other address alone") { objects in
                let slices = Self.slices(objects, of: "db")
                return slices.map(\.uid) == [slice.uid] && slices[0].value["endpoints"].elements.map { $0["addresses"] } == [["10.9.0.3"]]
            }
            // A Service that gets a selector has slices of its own.
            try await cluster.merge(.services, in: "default", "db", ["spec": ["selector": ["app": "db"]]])
            try await cluster.wait(for: .endpointSlices, "no mirror") { Self.slices($0, of: "db").isEmpty }
        }
    }

    @Test func followsPodsAndTheirReadiness() async throws {
        try await Cluster.with { cluster in
            let service = try await cluster.client.create(.services, namespace: "default", Self.service("web"))
            // A Service without Pods has one empty slice and an empty Endpoints.
            try await cluster.wait(for: .endpointSlices, "an empty slice") { Self.slices($0, of: "web").count == 1 }
            try await cluster.wait(for: .endpoints, "web", "an empty one") { $0 != nil }
            _ = try await cluster.client.create(.replicaSets, namespace: "default", replicaSet("web", replicas: 3))
            let slices = try await cluster.wait(for: .endpointSlices, "3 endpoints") { Self.ready($0, of: "web") == 3 }
            let endpoints = try await cluster.wait(for: .endpoints, "web", "3 addresses") { Self.addresses($0, "addresses") == 3 }

            let slice = try #require(Self.slices(slices, of: "web").first)
            #expect(
                slice.name.hasPrefix("web-") && slice.value["addressType"] == "IPv4"
                    && slice.controllerReference["uid"].string == service.uid)
            #expect(
                slice.labels["endpointslice.kubernetes.io/managed-by"] == "endpointslice-controller.k8s.io" && slice.labels["team"] == "x")
            #expect(slice.value["ports"] == [["name": "http", "port": 8080, "protocol": "TCP"]])
            let endpoint = slice.value["endpoints"][0]
            #expect(
                endpoint["conditions"] == ["ready": true, "serving": true, "terminating": false] && endpoint["nodeName"] == "n1"
                    && endpoint["targetRef"]["kind"] == "Pod")
            #expect(endpoints["subsets"][0]["ports"] == [["name": "http", "port": 8080, "protocol": "TCP"]])
            #expect(endpoints["metadata"]["labels"].strings == ["team": "x", "endpoints.kubernetes.io/managed-by": "endpoint-controller"])

            let pods = try await cluster.client.list(.pods, namespace: "default").items
            try await cluster.setReady(pods[0], false)
            try await cluster.wait(for: .endpointSlices, "2 ready of 3") {
                Self.ready($0, of: "web") == 2 && Self.slices($0, of: "web")[0].value["endpoints"].elements.count == 3
            }
            try await cluster.wait(for: .endpoints, "web", "2 ready of 3") {
                Self.addresses($0, "addresses") == 2 && Self.addresses($0, "notReadyAddresses") == 1
            }
            try await cluster.merge(.replicaSets, "web", ["spec": ["replicas": 1]])
            try await cluster.wait(for: .endpointSlices, "1 endpoint") {
                Self.slices($0, of: "web").first?.value["endpoints"].elements.count == 1
            }
            try await cluster.waitUntilQuiet()

            try await cluster.delete(.services, "web")
            try await cluster.wait(for: .endpointSlices, "no slice") { Self.slices($0, of: "web").isEmpty }
            try await cluster.wait(for: .endpoints, "web", "to go") { $0 == nil }
            try await cluster.waitUntilQuiet()
        }
    }

    /// An endpoint says where it is; whom it is for, where the Service's distribution asks for that.
    @Test func endpointsHaveZonesAndHints() async throws {
        try await Cluster.with { cluster in
            let client = cluster.client
            for (name, distribution) in [("far", nil), ("zone", "PreferClose"), ("node", "PreferSameNode")] as [(String, Value?)] {
                let fields = distribution.map { ["trafficDistribution": $0] } ?? [:]
                _ = try await client.create(.services, namespace: "default", Self.service(name, fields))
            }
            _ = try await client.create(.pods, namespace: "default", pod("p", app: "web"))
            let before = try await cluster.wait(for: .endpointSlices, "an endpoint each") { slices in
                ["far", "zone", "node"].allSatisfy { Self.endpoint(slices, $0)?["conditions"]["ready"].bool == true }
            }
            #expect(Self.endpoint(before, "zone")?["zone"] == .null && Self.endpoint(before, "zone")?["hints"] == .null)
            #expect(Self.endpoint(before, "node")?["hints"] == ["forNodes": [["name": "n1"]]])

            try await cluster.merge(.nodes, in: nil, "n1", ["metadata": ["labels": ["topology.kubernetes.io/zone": "z"]]])
            let after = try await cluster.wait(for: .endpointSlices, "the zone of each") { slices in
                ["far", "zone", "node"].allSatisfy { Self.endpoint(slices, $0)?["zone"] == "z" }
            }
            #expect(Self.endpoint(after, "far")?["hints"] == .null)
            #expect(Self.endpoint(after, "zone")?["hints"] == ["forZones": [["name": "z"]]])
            #expect(Self.endpoint(after, "node")?["hints"] == ["forZones": [["name": "z"]], "forNodes": [["name": "n1"]]])
            try await cluster.waitUntilQuiet()
        }
    }

    /// With two zones of the same size each gets one of two endpoints, wherever these are.
    @Test func theAnnotationSharesEndpointsOutAmongZones() async throws {
        try await Cluster.with(Cluster.Setup(only: ["endpointslice"])) { cluster in
            let client = cluster.client
            func said(_ reason: String, _ message: String) async throws {
                try await cluster.wait(for: .events, in: "default", "\(reason): \(message)") { events in
                    events.contains { $0.value["reason"].string == reason && $0.value["message"].string == "\(message), addressType: IPv4" }
                }
            }
            var service = Self.service("web", ["trafficDistribution": "PreferClose"])
            service["metadata"]["annotations"] = ["service.kubernetes.io/topology-mode": "Auto"]
            _ = try await client.create(.services, namespace: "default", service)
            for name in ["p", "q"] { _ = try await client.create(.pods, namespace: "default", pod(name, app: "web")) }
            try await said(
                "TopologyAwareHintsDisabled", "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes")
            try await cluster.addNode("n2")
            for (node, zone) in [("n1", "y"), ("n2", "z")] as [(String, Value)] {
                try await cluster.merge(.nodes, in: nil, node, ["metadata": ["labels": ["topology.kubernetes.io/zone": zone]]])
                _ = try await client.patch(
                    .nodes, namespace: nil, name: node, subresource: "status", .merge, ["status": ["allocatable": ["cpu": "4"]]])
            }
            @Sendable func hints(_ slices: [Object]) -> Set<String> {
                Set(slices.flatMap { $0.value["endpoints"].elements }.map { $0["hints"]["forZones"][0]["name"].string ?? "none" })
            }
            try await cluster.wait(for: .endpointSlices, "one for each zone") { hints(Self.slices($0, of: "web")) == ["y", "z"] }
            try await said("TopologyAwareHintsEnabled", "Topology Aware Hints has been enabled")
            try await cluster.merge(
                .services, "web", ["metadata": ["annotations": ["service.kubernetes.io/topology-mode": "Disabled"]]])
            try await cluster.wait(for: .endpointSlices, "all for their own zone") { hints(Self.slices($0, of: "web")) == ["y"] }
            try await said("TopologyAwareHintsDisabled", "Topology Aware Hints has been disabled")
        }
    }

    @Test func tellsOfPodsThatAreEnding() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(.services, namespace: "default", Self.service("web"))
            _ = try await cluster.client.create(.pods, namespace: "default", pod("p", app: "web", hollow: "lingering"))
            try await cluster.wait(for: .endpointSlices, "an endpoint") { Self.ready($0, of: "web") == 1 }
            try await cluster.delete(.pods, "p")
            try await cluster.wait(for: .endpointSlices, "a terminating endpoint") { slices in
                Self.slices(slices, of: "web").first?.value["endpoints"][0]["conditions"] == [
                    "ready": false, "serving": true, "terminating": true,
                ]
            }
            try await cluster.wait(for: .endpoints, "web", "no address") { Self.addresses($0, "addresses") == 0 }
        }
    }

    @Test func knowsHeadlessServicesAndThoseThatPublishAll() async throws {
        try await Cluster.with { cluster in
            _ = try await cluster.client.create(
                .services, namespace: "default", Self.service("headless", ports: .null, ["clusterIP": "None"]))
            _ = try await cluster.client.create(.services, namespace: "default", Self.service("all", ["publishNotReadyAddresses": true]))
            _ = try await cluster.client.create(
                .pods, namespace: "default", pod("p", app: "web", hollow: "unready", spec: ["hostname": "first", "subdomain": "headless"]))
            let slices = try await cluster.wait(for: .endpointSlices, "the Pod in both") { all in
                ["headless", "all"].allSatisfy { Self.slices(all, of: $0).first?.value["endpoints"].elements.count == 1 }
            }
            let headless = Self.slices(slices, of: "headless")[0]
            #expect(
                headless.labels["service.kubernetes.io/headless"] == "" && headless.value["endpoints"][0]["hostname"] == "first"
                    && headless.value["ports"].isEmpty)
            #expect(headless.value["endpoints"][0]["conditions"] == ["ready": false, "serving": false, "terminating": false])
            #expect(
                Self.slices(slices, of: "all")[0].value["endpoints"][0]["conditions"] == [
                    "ready": true, "serving": false, "terminating": false,
                ])
            let endpoints = try await cluster.wait(for: .endpoints, "all", "an address") { Self.addresses($0, "addresses") == 1 }
            #expect(endpoints["subsets"][0]["notReadyAddresses"].isNull)
            try await cluster.wait(for: .endpoints, "headless", "an address that is not ready") {
                Self.addresses($0, "notReadyAddresses") == 1
            }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func splitsSlicesAtAHundredAndByWhatPortsMean() async throws {
        try await Cluster.with(Cluster.Setup(hasKubelet: false)) { cluster in
            _ = try await cluster.client.create(.services, namespace: "default", Self.service("web"))
            try await cluster.addNode("n1")
            for number in 0..<105 {
                var pod = pod("p\(number)", app: "web", spec: ["nodeName": "n1"])
                if number >= 103 { pod["spec"]["containers"][0]["ports"] = [["name": "web", "containerPort": 9090]] }
                let made = try await cluster.client.create(.pods, namespace: "default", pod)
                try await cluster.setReady(made, true, address: "10.1.2.\(number + 1)")
            }
            let slices = try await cluster.wait(for: .endpointSlices, "105 endpoints") { Self.ready($0, of: "web") == 105 }
            // How many are in which of the first two depends on how many came at once.
            let counts = Dictionary(grouping: Self.slices(slices, of: "web")) { $0.value["ports"][0]["port"].int ?? 0 }
                .mapValues { $0.map { $0.value["endpoints"].elements.count } }
            #expect(counts.mapValues { $0.reduce(0, +) } == [8080: 103, 9090: 2], "\(counts)")
            #expect(counts.mapValues(\.count) == [8080: 2, 9090: 1] && counts.values.joined().allSatisfy { $0 <= 100 }, "\(counts)")
            try await cluster.wait(for: .endpoints, "web", "105 addresses") {
                Self.addresses($0, "addresses") == 105 && $0?["subsets"].elements.count == 2
            }
            try await cluster.waitUntilQuiet()
        }
    }

    @Test func leavesTheEndpointsOfOthersAlone() async throws {
        try await Cluster.with { cluster in
            let subsets: Value = [["addresses": [["ip": "10.9.9.9"]], "ports": [["port": 1, "protocol": "TCP"]]]]
            _ = try await cluster.client.create(
                .endpoints, namespace: "default",
                ["apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "mine"], "subsets": subsets])
            _ = try await cluster.client.create(.services, namespace: "default", Self.service("mine", ["selector": .null]))
            try await cluster.waitUntilQuiet()
            let endpoints = try await cluster.client.get(.endpoints, namespace: "default", name: "mine").value
            #expect(endpoints["subsets"] == subsets)
        }
    }
}
