import APIModel
import Client
import Testing

@testable import DNS

/// What is there after changes is what would be there from the beginning.
@Suite struct ClusterObjectsTests {
    private func names(_ objects: ClusterObjects) -> [String] { objects.zone.names.map(\.description).sorted() }

    @Test func everythingThatCameCanGo() throws {
        var objects = ClusterObjects(
            apex: try #require(Name("cluster.local")),
            serverAddresses: [[10, 96, 0, 10], [0xfd] + [UInt8](repeating: 0, count: 14) + [0x0a]])
        let before = names(objects)
        let things: [(GroupVersionResource, Object)] = [
            (.namespaces, Objects.namespace("default")), (.services, Objects.service("db", ["clusterIP": "None", "ports": []])),
            (.endpointSlices, Objects.slice("db-1", of: "db", [Objects.endpoint("10.0.0.1")], ports: [Objects.port("sql", 1)])),
            (.pods, Objects.pod("a", ["podIP": "10.0.0.1"])),
        ]
        for (resource, object) in things { objects.change(resource, before: nil, after: object) }
        #expect(names(objects).contains("_tcp.db.default.svc.cluster.local."))
        for (resource, object) in things { objects.change(resource, before: object, after: nil) }
        #expect(names(objects) == before)
    }

    @Test func aServiceThatBecomesAnotherKindHasOtherRecords() throws {
        var objects = ClusterObjects(apex: try #require(Name("cluster.local")))
        let headless = Objects.service("web", ["clusterIP": "None"])
        let slice = Objects.slice("web-1", of: "web", [Objects.endpoint("10.0.0.1", hostname: "a")])
        // The slice may come first.
        objects.change(.endpointSlices, before: nil, after: slice)
        objects.change(.services, before: nil, after: headless)
        let base = try #require(Name("web.default.svc.cluster.local"))
        #expect(objects.zone[base]?.set(.a)?.data == [0, 4, 10, 0, 0, 1])
        let address = Objects.service("web", ["clusterIP": "10.96.0.1"])
        objects.change(.services, before: headless, after: address)
        #expect(objects.zone[base]?.set(.a)?.data == [0, 4, 10, 96, 0, 1])
        #expect(objects.zone[try #require(Name("1.0.0.10.in-addr.arpa"))] == nil)
        let alias = Objects.service("web", ["type": "ExternalName", "externalName": "example.com"])
        objects.change(.services, before: address, after: alias)
        #expect(objects.zone[base]?.sets.map(\.type) == [.cname])
        #expect(objects.zone[try #require(Name("a.web.default.svc.cluster.local"))] == nil)
    }

    @Test func aSliceThatIsGivenToAnotherServiceTakesItsRecordsAlong() throws {
        var objects = ClusterObjects(apex: try #require(Name("cluster.local")))
        for name in ["one", "two"] { objects.change(.services, before: nil, after: Objects.service(name, ["clusterIP": "None"])) }
        let (before, after) = (
            Objects.slice("s", of: "one", [Objects.endpoint("10.0.0.1")]), Objects.slice("s", of: "two", [Objects.endpoint("10.0.0.1")])
        )
        objects.change(.endpointSlices, before: nil, after: before)
        objects.change(.endpointSlices, before: before, after: after)
        #expect(objects.zone[try #require(Name("one.default.svc.cluster.local"))] == nil)
        #expect(objects.zone[try #require(Name("two.default.svc.cluster.local"))]?.set(.a)?.count == 1)
    }
}
