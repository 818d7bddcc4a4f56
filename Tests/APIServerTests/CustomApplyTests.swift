import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// Apply to objects of custom kinds, along their schemas.
@Suite struct CustomApplyTests {
    private static let definition: Value = [
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": ["name": "widgets.example.com"],
        "spec": [
            "group": "example.com", "scope": "Namespaced",
            "names": ["plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"],
            "versions": [
                [
                    "name": "v1", "served": true, "storage": true,
                    "subresources": [
                        "status": .emptyObject, "scale": ["specReplicasPath": ".spec.count", "statusReplicasPath": ".status.count"],
                    ],
                    "schema": [
                        "openAPIV3Schema": [
                            "type": "object",
                            "properties": [
                                "spec": [
                                    "type": "object",
                                    "properties": [
                                        "count": ["type": "integer"], "cron": ["type": "string"],
                                        "ports": [
                                            "type": "array", "x-kubernetes-list-type": "map",
                                            "x-kubernetes-list-map-keys": ["port", "protocol"],
                                            "items": [
                                                "type": "object", "required": ["port", "protocol"],
                                                "properties": [
                                                    "port": ["type": "integer"], "protocol": ["type": "string", "default": "TCP"],
                                                    "name": ["type": "string"],
                                                ],
                                            ],
                                        ],
                                    ],
                                ],
                                "status": ["type": "object", "properties": ["count": ["type": "integer"]]],
                            ],
                        ]
                    ],
                ]
            ],
        ],
    ]
    private static let path = "/apis/example.com/v1/namespaces/default/widgets/w"

    private static func widget(_ spec: Value, status: Value = .null) -> Value {
        ["apiVersion": "example.com/v1", "kind": "Widget", "metadata": ["name": "w"], "spec": spec, "status": status]
    }

    private func apply(_ server: TestServer, by manager: String, _ object: Value, path: String = path, force: Bool = false) async
        -> TestServer.Answer
    {
        await server.ask(
            .patch, "\(path)?fieldManager=\(manager)\(force ? "&force=true" : "")", object, type: "application/apply-patch+yaml")
    }

    private func owned(_ object: Value, _ manager: String, subresource: String? = nil) -> String {
        let entry = object[path: "metadata", "managedFields"].elements.first {
            $0["manager"].string == manager && $0["subresource"].string == subresource
        }
        return entry.map { String(decoding: JSON.encode($0["fieldsV1"]), as: UTF8.self) } ?? ""
    }

    @Test func listsAreMergedByTheirKeys() async throws {
        try await TestServer.with(kind: Self.definition) { server in
            let first = await apply(server, by: "a", Self.widget(["count": 1, "ports": [["port": 80, "name": "x"]]]))
            #expect(first.code == 201, "\(first.text)")
            #expect(
                owned(first.json, "a")
                    == #"{"f:spec":{"f:count":{},"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}}}}"#)
            let second = await apply(server, by: "b", Self.widget(["ports": [["port": 81]]]))
            #expect(second.json[path: "spec", "ports"].elements.map { $0["port"].int } == [80, 81])
            let refused = await apply(server, by: "b", Self.widget(["ports": [["port": 80, "name": "y"]]]))
            #expect(
                refused.message
                    == #"Apply failed with 1 conflict: conflict with "a": .spec.ports[port=80,protocol="TCP"].name"#)
            let unknown = await apply(server, by: "a", Self.widget(["nope": 1]))
            #expect(
                unknown.message
                    == "failed to create typed patch object (/w; example.com/v1, Kind=Widget): .spec.nope: field not declared in schema"
            )
            // The status has its own way in, and so has the scale.
            let main = await apply(server, by: "a", Self.widget(["count": 1], status: ["count": 1]))
            #expect(main.json["status"].isNull)
            #expect(owned(main.json, "a") == #"{"f:spec":{"f:count":{}}}"#)
            let status = await apply(server, by: "a", Self.widget(.null, status: ["count": 2]), path: Self.path + "/status")
            #expect(owned(status.json, "a", subresource: "status") == #"{"f:status":{"f:count":{}}}"#)
            let scale: Value = [
                "apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": ["name": "w", "namespace": "default"], "spec": ["replicas": 4],
            ]
            #expect(await apply(server, by: "s", scale, path: Self.path + "/scale").code == 409)
            #expect(await apply(server, by: "s", scale, path: Self.path + "/scale", force: true).code == 200)
            let now = await server.ask(.get, Self.path).json
            #expect(now[path: "spec", "count"].int == 4)
            #expect(owned(now, "s", subresource: "scale") == #"{"f:spec":{"f:count":{}}}"#)
            #expect(owned(now, "a") == "")
        }
    }
}
