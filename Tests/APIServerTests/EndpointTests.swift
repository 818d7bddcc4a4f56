import APIModel
import HTTPTypes
import OrderedCollections
import Store
import Testing

@testable import APIServer

@Suite struct EndpointTests {
    @Test func discoversEverything() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.get, "/api").json["versions"] == ["v1"])
            let groups = await server.ask(.get, "/apis").json["groups"].elements.compactMap { $0["name"].string }
            #expect(groups.contains("apps") && groups.contains("rbac.authorization.k8s.io"))
            let core = await server.ask(.get, "/api/v1").json["resources"].elements
            #expect(core.contains { $0["name"] == "pods/log" })
            #expect(core.first { $0["name"] == "pods" }?["shortNames"] == ["po"])
            let aggregated = await server.ask(
                .get, "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json")
            #expect(aggregated.json["kind"] == "APIGroupDiscoveryList")
            #expect(aggregated.headers[.contentType] == "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
            let again = await server.ask(
                .get, "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
                headers: ["If-None-Match": aggregated.headers[.eTag] ?? ""])
            #expect(again.code == 304)
            #expect(await server.ask(.get, "/apis/nope").code == 404)
        }
    }

    @Test func theRootListsWhatThereIs() async throws {
        try await TestServer.with { server in
            let paths = await server.ask(.get, "/").json["paths"].elements.compactMap(\.string)
            #expect(paths == paths.sorted() && Set(paths).count == paths.count)
            for path in [
                "/apis/apps/v1", "/apis/apps", "/livez/ping", "/metrics/slis", "/debug/api_priority_and_fairness/dump_queues", "/version",
            ] {
                #expect(paths.contains(path), "\(path)")
            }
            // One check of this server is never well.
            for path in paths where !path.hasPrefix("/readyz") && !path.hasPrefix("/healthz") {
                #expect(await server.ask(.get, path).code == 200, "\(path)")
            }
        }
    }

    @Test func everyDocumentOfTheIndexIsThere() async throws {
        try await TestServer.with { server in
            let index = await server.ask(.get, "/openapi/v3").json["paths"].fields
            for path in ["api", "apis", "apis/apps", "version", ".well-known/openid-configuration", "openid/v1/jwks"] {
                let document = await server.ask(.get, index[path]?["serverRelativeURL"].string ?? "").json
                let answer = document["paths"]["/\(path)/"]["get"]["responses"]["200"]["content"].fields.values.first?["schema"] ?? .null
                let type = answer["$ref"].string.flatMap { $0.split(separator: "/").last }.map(String.init)
                #expect(answer["type"] == "string" || !document["components"]["schemas"][type ?? ""]["properties"].isNull, "\(path)")
            }
        }
    }

    @Test func describesItselfInOpenAPI() async throws {
        try await TestServer.with { server in
            let index = await server.ask(.get, "/openapi/v3").json
            let url = index["paths"]["apis/apps/v1"]["serverRelativeURL"].string ?? ""
            let document = await server.ask(.get, url)
            #expect(document.headers[.cacheControl] == "public, immutable")
            #expect(!document.json["components"]["schemas"]["io.k8s.api.apps.v1.Deployment"].isNull)
            #expect(await server.ask(.get, "/openapi/v3/apis/nope/v1").code == 404)
        }
    }

    @Test func tellsHealthInWords() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.get, "/livez").text == "ok")
            #expect(await server.ask(.get, "/livez?verbose").text == "[+]ping ok\nlivez check passed\n")
            let sick = await server.ask(.get, "/readyz")
            #expect(sick.code == 500)
            #expect(sick.text == "[+]ping ok\n[-]store-0 failed: reason withheld\nreadyz check failed\n")
            #expect(await server.ask(.get, "/readyz?exclude=store-0").code == 200)
            #expect(
                await server.ask(.get, "/livez?verbose&exclude=b&exclude=a").text
                    == "[+]ping ok\nwarn: some health checks cannot be excluded: no matches for \"a\",\"b\"\nlivez check passed\n")
        }
    }

    @Test func reviewsAreNoTables() async throws {
        try await TestServer.with { server in
            let review: Value = ["spec": ["nonResourceAttributes": ["path": "/", "verb": "get"]]]
            let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
            let refused = await server.ask(.post, path, review, accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
            #expect(refused.code == 406 && refused.reason == "NotAcceptable")
            #expect(await server.ask(.post, path, review).code == 201)
        }
    }

    @Test func showsComponents() async throws {
        try await TestServer.with { server in
            let list = await server.ask(.get, "/api/v1/componentstatuses").json["items"].elements
            #expect(list.map { $0["metadata"]["name"] } == ["scheduler", "store-0"])
            #expect(list[1]["conditions"][0]["status"] == "False")
            #expect(await server.ask(.get, "/api/v1/componentstatuses/scheduler").json["conditions"][0]["message"] == "ok")
        }
    }

    @Test func countsRequests() async throws {
        try await TestServer.with { server in
            await server.ask(.get, "/api/v1/namespaces/default")
            let text = await server.ask(.get, "/metrics").text
            #expect(
                text.contains(
                    "apiserver_request_total{code=\"200\",component=\"apiserver\",dry_run=\"\",group=\"\",resource=\"namespaces\",scope=\"resource\",subresource=\"\",system_client=\"\",verb=\"GET\",version=\"v1\"} 1"
                ))
            #expect(text.contains("apus_store_revision \(server.store.revision)"))
        }
    }

    @Test(
        arguments: [
            ("invalid", "time: invalid duration \"invalid\""), ("5", "time: missing unit in duration \"5\""),
            ("1d", "time: unknown unit \"d\" in duration \"1d\""), ("0s", nil), ("3m", nil), ("30s", nil), ("", nil),
        ] as [(String, String?)])
    func aTimeoutIsADuration(_ text: String, _ problem: String?) async throws {
        try await TestServer.with { server in
            let answer = await server.ask(.get, "/version?timeout=\(text)")
            #expect(answer.code == (problem == nil ? 200 : 400))
            if let problem { #expect(answer.message == "invalid timeout specified in the request URL - \(problem)") }
            // A watch lasts until somebody ends it.
            #expect(await server.ask(.get, "/api/v1/pods?watch=true&timeoutSeconds=1&timeout=\(text)").code == 200)
        }
    }

    @Test func whatTakesLongerThanTheClientWaitsIsBrokenOff() async throws {
        try await TestServer.with {
            $0.pages = [
                "slow": { _ in
                    try await Task.sleep(for: .seconds(1000))
                    return "never"
                }
            ]
        } _: { server in
            let answer = await server.ask(.get, "/slow?timeout=20ms")
            #expect(answer.code == 504 && answer.reason == "Timeout")
            #expect(answer.message == "Timeout: request did not complete within requested timeout - context deadline exceeded")
        }
    }

    @Test func startsWithWhatEveryClusterHas() async throws {
        try await TestServer.with { server in
            let namespaces = await server.ask(.get, "/api/v1/namespaces").json["items"].elements.compactMap {
                $0["metadata"]["name"].string
            }
            #expect(namespaces == ["default", "kube-node-lease", "kube-public", "kube-system"])
            #expect(await server.ask(.get, "/api/v1/namespaces/default/services/kubernetes").json["spec"]["clusterIP"] == "10.96.0.1")
            #expect(
                await server.ask(.get, "/api/v1/namespaces/default/endpoints/kubernetes").json["subsets"][0]["addresses"][0]["ip"]
                    == "10.0.0.1")
            #expect(await server.ask(.get, "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes").code == 200)
            let range = await server.ask(.get, "/apis/networking.k8s.io/v1/servicecidrs/kubernetes").json
            #expect(range["spec"]["cidrs"] == ["10.96.0.0/16"] && range["status"]["conditions"][0]["type"] == "Ready")
            #expect(await server.ask(.get, "/apis/rbac.authorization.k8s.io/v1/clusterroles/admin").json["rules"].elements.count > 20)
            #expect(
                await server.ask(.get, "/apis/scheduling.k8s.io/v1/priorityclasses/system-cluster-critical").json["value"] == 2_000_000_000)
        }
    }
}
