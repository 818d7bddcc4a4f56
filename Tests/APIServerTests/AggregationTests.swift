import APIModel
import Client
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import OrderedCollections
import PKI
import Store
import Testing

@testable import APIServer

/// A server that answers for a group of its own: tells of one resource, and shows who it was told the user is.
private struct Wardle: Responder {
    func respond(to request: Request) async -> Response {
        switch request.path {
        case "/apis/wardle.example.com/v1":
            return Responses.json([
                "kind": "APIResourceList", "groupVersion": "wardle.example.com/v1",
                "resources": [
                    ["name": "flunders", "singularName": "flunder", "namespaced": true, "kind": "Flunder", "verbs": ["get", "list"]],
                    ["name": "flunders/status", "singularName": "", "namespaced": true, "kind": "Flunder", "verbs": ["get"]],
                ],
            ])
        case "/openapi/v3":
            return Responses.json([
                "paths": [
                    "apis/wardle.example.com/v1": ["serverRelativeURL": "/openapi/v3/apis/wardle.example.com/v1?hash=AB12"]
                ]
            ])
        case "/openapi/v3/apis/wardle.example.com/v1": return Responses.json(["openapi": "3.0.0", "of": "wardle"])
        case "/openapi/v2": return Responses.json(["definitions": ["com.example.wardle.v1.Flunder": ["type": "object"]]])
        default:
            if request.query("watch") == "true" {
                return .stream(status: .ok, headers: [:]) { writer in
                    for name in ["a", "b"] {
                        let event: Value = ["type": "ADDED", "object": ["kind": "Flunder", "metadata": ["name": .string(name)]]]
                        try await writer.write(JSON.encode(event) + Array("\n".utf8))
                    }
                }
            }
            func all(_ name: String) -> Value {
                Value(HTTPField.Name(name).map { request.headers[values: $0] } ?? [])
            }
            return Responses.json([
                "method": .string(request.method.rawValue), "path": .string(request.path), "user": all("X-Remote-User"),
                "groups": all("X-Remote-Group"), "authorization": all("Authorization"),
                "query": .string(request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "&")),
                "certificate": .bool(!request.peerCertificates.isEmpty),
            ])
        }
    }
}

@Suite struct AggregationTests {
    private let services = "/apis/apiregistration.k8s.io/v1/apiservices"
    private let flunders = "/apis/wardle.example.com/v1/namespaces/default/flunders"

    private func service(_ authority: CertificateAuthority?) -> Value {
        [
            "metadata": ["name": "v1.wardle.example.com"],
            "spec": [
                "group": "wardle.example.com", "version": "v1", "groupPriorityMinimum": 2000, "versionPriority": 200,
                "service": ["namespace": "default", "name": "wardle", "port": 443],
                "caBundle": authority.map { .string(Base64.encode(Array($0.certificatePEM.utf8))) } ?? .null,
            ],
        ]
    }

    /// With another server behind a Service `wardle`, whose certificate `authority` signed.
    private func with(_ body: (TestServer, CertificateAuthority) async throws -> Void) async throws {
        let (authority, proxies) = (
            try CertificateAuthority.create(commonName: "ca"), try CertificateAuthority.create(commonName: "proxies")
        )
        let serving = try authority.issueServer(commonName: "wardle", names: ["wardle.default.svc"], addresses: [])
        let shown = try proxies.issueClient(user: "front-proxy-client")
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let tls = try TLSConfiguration.server(certificateChainPEM: serving.certificatePEM, privateKeyPEM: serving.privateKeyPEM)
        let backend = try HTTPServer(configuration: .init(host: "127.0.0.1", port: 0, tls: tls), responder: Wardle(), log: log)
        let port = try await backend.start().port ?? 0
        try await TestServer.with { configuration in
            configuration.isProxyable = { _ in true }
            configuration.frontProxy = Dialer.TLS(certificateChainPEM: shown.certificatePEM, privateKeyPEM: shown.privateKeyPEM)
        } _: { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await server.server.run() }
                defer { group.cancelAll() }
                try await endpoints(server, port)
                try await body(server, authority)
            }
        }
        await backend.shutdown(grace: .zero)
    }

    private func endpoints(_ server: TestServer, _ port: Int) async throws {
        let namespace = "/api/v1/namespaces/default"
        await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "default"]])
        await server.ask(.post, "\(namespace)/pods", TestServer.pod("p"))
        await server.ask(.patch, "\(namespace)/pods/p/status", ["status": ["podIP": "127.0.0.1"]], type: "application/merge-patch+json")
        await server.ask(
            .post, "\(namespace)/services", ["metadata": ["name": "wardle"], "spec": ["ports": [["port": 443, "targetPort": 8443]]]])
        // Past the rule that no endpoint is a loopback address: what is behind the server in these tests has no other.
        let slice: Value = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": ["name": "wardle", "namespace": "default", "labels": ["kubernetes.io/service-name": "wardle"]],
            "addressType": "IPv4",
            "endpoints": [["addresses": ["127.0.0.1"], "targetRef": ["kind": "Pod", "name": "p"]]],
            "ports": [["name": "", "port": .int(Int64(port)), "protocol": "TCP"]],
        ]
        let key = RecordKey(collection: "discovery.k8s.io/endpointslices", name: "default/wardle")
        _ = try await server.store.put(key, Body(slice), expecting: .absent)
    }

    /// The condition Available of an APIService, once its reason is `reason`.
    private func available(_ server: TestServer, _ name: String, _ reason: String) async throws -> Value {
        while true {
            let revision = server.store.revision
            let condition = await server.ask(.get, "\(services)/\(name)").json["status"]["conditions"].elements.first
            if let condition, condition["reason"].string == reason { return condition }
            let watch = try server.store.watch(Aggregation.collection, after: revision)
            defer { watch.cancel() }
            _ = try await watch.next()
        }
    }

    @Test func requestsGoOnWithTheUsersName() async throws {
        try await with { server, authority in
            #expect(await server.ask(.post, services, service(authority)).code == 201)
            let condition = try await available(server, "v1.wardle.example.com", "Passed")
            #expect(condition["status"] == "True")
            let answer = await server.ask(.get, "\(flunders)?limit=3", headers: ["X-Remote-Group": "system:masters"])
            #expect(answer.json["path"].string == flunders && answer.json["query"] == "limit=3")
            #expect(answer.json["user"] == ["admin"] && answer.json["groups"] == ["system:masters", "system:authenticated"])
            #expect(answer.json["authorization"] == [] && answer.json["certificate"] == true)
            #expect(await server.ask(.delete, "\(flunders)/a").json["method"] == "DELETE")
            // Whoever may not here is not heard there.
            #expect(await server.ask(.get, flunders, token: "bob-token").code == 403)
        }
    }

    @Test func loopsOfThisProcessAreAnsweredByTheSameServer() async throws {
        try await with { server, authority in
            let flunders = GroupVersionResource(group: "wardle.example.com", version: "v1", resource: "flunders")
            let client = server.server.client(as: "loop", groups: ["system:masters"])
            await #expect(throws: APIError.unknownResource) { try await client.list(flunders, namespace: "default") }
            await server.ask(.post, services, service(authority))
            _ = try await available(server, "v1.wardle.example.com", "Passed")
            let path = "/apis/wardle.example.com/v1/namespaces/default/flunders"
            let got = try await client.get(flunders, namespace: "default", name: "a").value
            #expect(got["method"] == "GET" && got["path"].string == "\(path)/a" && got["user"] == ["loop"])
            let patched = try await client.patch(flunders, namespace: "default", name: "a", .merge, [:]).value
            #expect(patched["method"] == "PATCH" && patched["certificate"] == true)
            #expect(try await client.delete(flunders, namespace: "default", name: "a").value["method"] == "DELETE")
            var names: [String] = []
            for try await event in try await client.watch(flunders, namespace: "default", options: ListOptions()) {
                names.append(event.object.name)
            }
            #expect(names == ["a", "b"])
            // Who may not is told so here.
            let bob = server.server.client(as: "bob")
            let refused = await #expect(throws: APIError.self) { try await bob.list(flunders, namespace: "default") }
            #expect(refused?.code == 403)
        }
    }

    @Test func discoveryAndOpenAPIAreMerged() async throws {
        try await with { server, authority in
            await server.ask(.post, services, service(authority))
            _ = try await available(server, "v1.wardle.example.com", "Passed")
            let groups = await server.ask(.get, "/apis").json["groups"].elements
            #expect(groups.last?["name"] == "wardle.example.com" && groups.last?["preferredVersion"]["version"] == "v1")
            #expect(await server.ask(.get, "/apis/wardle.example.com").json["kind"] == "APIGroup")
            #expect(await server.ask(.get, "/apis/wardle.example.com/v1").json["resources"].elements.count == 2)
            let type = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            let item = await server.ask(.get, "/apis", accept: type).json["items"].elements.last ?? .null
            let resource = item["versions"][0]["resources"][0]
            #expect(resource["resource"] == "flunders" && resource["scope"] == "Namespaced")
            #expect(resource["subresources"][0]["subresource"] == "status")
            let index = await server.ask(.get, "/openapi/v3").json["paths"]["apis/wardle.example.com/v1"]["serverRelativeURL"]
            #expect(index == "/openapi/v3/apis/wardle.example.com/v1?hash=AB12")
            #expect(await server.ask(.get, "/openapi/v3/apis/wardle.example.com/v1").json["of"] == "wardle")
            let definitions = await server.ask(.get, "/openapi/v2").json["definitions"]
            #expect(!definitions["com.example.wardle.v1.Flunder"].isNull && !definitions["io.k8s.api.core.v1.Pod"].isNull)
            await server.ask(.delete, "\(services)/v1.wardle.example.com")
            while await server.ask(.get, "/apis/wardle.example.com/v1").code != 404 { await Task.yield() }
            #expect(await server.ask(.get, "/apis").json["groups"].elements.last?["name"] != "wardle.example.com")
        }
    }

    @Test func whatCannotBeBelievedIsNotAsked() async throws {
        try await with { server, _ in
            await server.ask(.post, services, service(try CertificateAuthority.create(commonName: "another")))
            let condition = try await available(server, "v1.wardle.example.com", "FailedDiscoveryCheck")
            #expect(condition["status"] == "False" && condition["message"].string?.contains("wardle.default.svc") == true)
            let refused = await server.ask(.get, flunders)
            #expect(refused.code == 503 && refused.reason == "ServiceUnavailable")
            await server.ask(.delete, "/api/v1/namespaces/default/services/wardle")
            _ = try await available(server, "v1.wardle.example.com", "ServiceNotFound")
        }
    }

    @Test func everyVersionServedHereHasOne() async throws {
        try await with { server, _ in
            for name in ["v1.", "v1.apps", "v2.autoscaling", "v1alpha1.plugins.apus.dev"] {
                let condition = try await available(server, name, "Local")
                #expect(condition["status"] == "True")
            }
            await server.ask(.delete, "\(services)/v1.apps")
            _ = try await available(server, "v1.apps", "Local")
        }
    }

    private static let bad: [(change: Value, words: String)] = [
        (["metadata": ["name": "v1.other"]], "metadata.name: Invalid value: \"v1.other\": must be `spec.version+\".\"+spec.group`"),
        (["spec": ["groupPriorityMinimum": 0]], "spec.groupPriorityMinimum: Invalid value: 0: must be positive and less than 20000"),
        (["spec": ["versionPriority": 1001]], "spec.versionPriority: Invalid value: 1001: must be positive and less than 1000"),
        (["spec": ["service": ["name": ""]]], "spec.service.name: Required value"),
        (["spec": ["service": ["port": 70000]]], "spec.service.port: Invalid value: 70000"),
        (
            ["spec": ["insecureSkipTLSVerify": true]],
            "spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present"
        ),
    ]

    @Test func refusesInUpstreamsWords() async throws {
        try await TestServer.with { server in
            let good = service(try CertificateAuthority.create(commonName: "ca"))
            for (change, words) in Self.bad {
                let refused = await server.ask(.post, services, Self.merged(good, change))
                #expect(refused.code == 422 && refused.message.contains(words), "\(refused.message)")
            }
        }
    }

    private static func merged(_ value: Value, _ change: Value) -> Value {
        guard case .object(let fields) = change else { return change }
        var value = value
        for (name, field) in fields { value[name] = merged(value[name], field) }
        return value
    }
}
