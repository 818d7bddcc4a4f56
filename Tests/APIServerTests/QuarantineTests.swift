import APIModel
import Client
import Foundation
import HTTPTypes
import Store
import Synchronization
import Testing

@testable import APIServer

/// What the API server notes of its work, and what becomes of an object over which it ended more than once.
@Suite(.serialized) struct QuarantineTests {
    private static let path = "/api/v1/namespaces/default/configmaps"
    private static let merge = "application/merge-patch+json"

    /// Was in hand at two crashes.
    private static func quarantine(
        _ part: String, _ resource: GroupVersionResource = .configMaps, namespace: String = "default", name: String = "poison"
    ) -> Quarantine {
        let quarantine = Quarantine()
        let key = InHand.Key(loop: .apiServer, part: part, resource: resource, namespace: namespace, name: name)
        for time in [1, 2] as [Whole] { quarantine.note(key, at: time, reason: "a test") }
        return quarantine
    }

    @Test func aRequestIsNotedWhileItIsAnswered() async throws {
        try #require(InHand.open(FileManager.default.temporaryDirectory.appendingPathComponent("in-hand-\(getpid())").path))
        let noted = Mutex<[InHand.Key?]>([])
        try await TestServer.with {
            $0.validators = [
                .configMaps: { object in
                    guard !object["data"].isNull else { return [] }
                    noted.withLock { $0.append(InHand.key(InHand.current)) }
                    return [.invalid("data", object["data"], "refused")]
                }
            ]
        } _: { server in
            #expect(await server.ask(.post, Self.path, ["metadata": ["name": "a"]]).code == 201)
            #expect(await server.ask(.put, "\(Self.path)/a", TestServer.configMap("a")).code == 422)
        }
        let wanted = InHand.Key(loop: .apiServer, part: "update", resource: .configMaps, namespace: "default", name: "a")
        #expect(noted.withLock { Set($0) } == [wanted])
    }

    @Test func whatEndedTheServerIsRefusedUntilTheObjectChanges() async throws {
        let quarantine = Self.quarantine("patch")
        try await TestServer.with {
            $0.quarantine = quarantine
        } _: { server in
            await server.ask(.post, Self.path, TestServer.configMap("poison"))
            await server.ask(.post, Self.path, TestServer.configMap("good"))
            let refused = await server.ask(.patch, "\(Self.path)/poison", ["data": ["c": "d"]], type: Self.merge)
            #expect(refused.code == 500)
            #expect(refused.message.contains("configmaps \"poison\" is quarantined, since patch ended the API server more than once"))
            #expect(await server.ask(.patch, "\(Self.path)/good", ["data": ["c": "d"]], type: Self.merge).code == 200)
            // Everything else is done, and what changes the object gives it another try.
            #expect(await server.ask(.get, "\(Self.path)/poison").code == 200)
            #expect(await server.ask(.put, "\(Self.path)/poison", TestServer.configMap("poison", data: ["x": "y"])).code == 200)
            #expect(await server.ask(.patch, "\(Self.path)/poison", ["data": ["c": "d"]], type: Self.merge).code == 200)
        }
    }

    @Test func whatCannotBeReadIsShownAsItIsStored() async throws {
        try await TestServer.with {
            $0.quarantine = Self.quarantine("get")
        } _: { server in
            #expect(await server.ask(.get, "\(Self.path)/poison").code == 404)
            await server.ask(.post, Self.path, TestServer.configMap("poison"))
            let table = "application/json;as=Table;v=v1;g=meta.k8s.io"
            let answer = await server.ask(.get, "\(Self.path)/poison", accept: table)
            // It was not there, and now it is: another try.
            #expect(answer.json["kind"] == "Table")
        }
        let quarantine = Quarantine()
        try await TestServer.with {
            $0.quarantine = quarantine
        } _: { server in
            await server.ask(.post, Self.path, TestServer.configMap("poison"))
            let key = InHand.Key(loop: .apiServer, part: "get", resource: .configMaps, namespace: "default", name: "poison")
            for time in [1, 2] as [Whole] { quarantine.note(key, at: time, reason: "a test") }
            let answer = await server.ask(.get, "\(Self.path)/poison", accept: "application/yaml")
            #expect(answer.code == 200 && answer.json["metadata"]["name"] == "poison")
        }
    }

    @Test func aRowThatCannotBeMadeHasItsNameAlone() async throws {
        try await TestServer.with {
            $0.quarantine = Self.quarantine("table")
        } _: { server in
            for name in ["good", "poison"] { await server.ask(.post, Self.path, TestServer.configMap(name)) }
            let table = await server.ask(.get, Self.path, accept: "application/json;as=Table;v=v1;g=meta.k8s.io").json
            let rows = table["rows"].elements
            #expect(rows.map { $0["cells"][0] } == ["good", "poison"])
            #expect(rows.map { $0["cells"][1] } == [1, "<unknown>"])
            #expect(rows[1]["object"]["metadata"]["name"] == "poison")
        }
    }

    @Test func theServerStartsWithASuchAServiceOrDefinition() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("quarantine-\(UniqueID.make())").path
        let first = try await TestServer(directory: directory)
        let services = "/api/v1/namespaces/default/services"
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        #expect(await first.ask(.post, services, TestServer.service("poison")).code == 201)
        let definition: Value = [
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "things.example.com"],
            "spec": [
                "group": "example.com", "scope": "Namespaced", "names": ["plural": "things", "singular": "thing", "kind": "Thing"],
                "versions": [
                    ["name": "v1", "served": true, "storage": true, "schema": ["openAPIV3Schema": ["type": "object"]]]
                ],
            ],
        ]
        #expect(await first.ask(.post, definitions, definition).code == 201)
        await first.store.close()
        for (part, resource, namespace, name) in [
            ("start", GroupVersionResource.services, "default", "poison"),
            ("definition", .customResourceDefinitions, "", "things.example.com"),
        ] {
            let server = try await TestServer(directory: directory) {
                $0.quarantine = Self.quarantine(part, resource, namespace: namespace, name: name)
            }
            #expect(await server.ask(.get, "\(services)/poison").json["spec"]["clusterIP"].string != nil)
            let isServed = await server.ask(.get, "/apis/example.com/v1/namespaces/default/things").code == 200
            #expect(isServed == (part == "start"))
            await server.store.close()
        }
        try FileManager.default.removeItem(atPath: directory)
    }
}
