import APIModel
import HTTPTypes
import Testing

@testable import APIServer

/// What is answered to those who accept, send or ask in a way that is not the usual one; every row is what upstream answers.
@Suite struct NegotiationTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"
    private static let meta = "v=v1;g=meta.k8s.io"
    private static let all = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    private static let streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    private static let only = "only the following media types are accepted: "
    private static let route = "406: Not Acceptable\n\nAvailable representations: "

    @Test func answersWhatIsAcceptedOrSaysWhatThereIs() async throws {
        let (one, maps) = ("\(Self.maps)/m", Self.maps)
        let protobuf = "application/vnd.kubernetes.protobuf"
        // What is answered: the content type where it is well, the message where it is not.
        let rows: [(path: String, accept: String, code: Int, answer: String)] = [
            (maps, "application/json;as=Table;\(Self.meta),application/json", 200, "application/json"),
            (maps, "application/json;as=Table;v=v2;g=meta.k8s.io,application/yaml", 200, "application/yaml"),
            (maps, "application/json;as=Table;v=v1beta1;g=meta.k8s.io", 200, "application/json"),
            (maps, "application/json;as=Table;v=v2;g=meta.k8s.io", 406, Self.only + Self.all),
            (maps, "application/json;\(Self.meta)", 406, Self.only + Self.all),
            (maps, "application/yaml;stream=watch", 406, Self.only + Self.all),
            (maps, "application/json;stream=watch", 200, "application/json"),
            (maps, "application/*", 406, "\(Self.route)\(Self.all), \(Self.streams)"),
            (maps, "application/JSON", 406, "\(Self.route)\(Self.all), \(Self.streams)"),
            (one, "text/html", 406, Self.route + Self.all),
            (one, "text/html;q=0.9,*/*;q=0.1", 200, "application/json"),
            (maps + "?watch=true&timeoutSeconds=1", "application/json;as=Table;v=v2;g=meta.k8s.io", 406, Self.only + Self.all),
            (
                maps, "application/json;as=PartialObjectMetadata;\(Self.meta)", 406,
                "you requested PartialObjectMetadata, but the requested object is a list (*core.ConfigMapList)"
            ),
            (
                one, "application/json;as=PartialObjectMetadataList;\(Self.meta)", 406,
                "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)"
            ),
            (maps + "/none", "application/json;as=Table;\(Self.meta)", 404, "configmaps \"none\" not found"),
            ("/version", "text/html", 406, "\(Self.route)application/json"),
            ("/api/v1", "text/html", 406, Self.route + Self.all), ("/apis", "text/html", 406, Self.only + Self.all),
            ("/apis", "application/*", 200, "application/json"), ("/apis/apps/v1", "application/yaml", 200, "application/yaml"),
            ("/api/v1", protobuf, 200, protobuf),
            (
                "/apis", "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList", 200,
                "application/yaml;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
            ),
            ("/apis", "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList", 406, Self.only + Self.all),
            (
                "/apis", "application/json;g=apidiscovery.k8s.io;v=v3;as=APIGroupDiscoveryList,application/json", 200,
                "application/json"
            ),
            ("/openapi/v2", "text/html", 406, ""),
        ]
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("m"))
            for row in rows {
                let answer = await server.ask(.get, row.path, accept: row.accept)
                #expect(answer.code == row.code, "\(row.path) \(row.accept)")
                let told = answer.code == 200 ? answer.headers[.contentType] ?? "" : answer.message
                #expect(told == row.answer, "\(row.path) \(row.accept)")
            }
        }
    }

    @Test func refusesInTheEncodingThatWasWanted() async throws {
        try await TestServer.with { server in
            let path = Self.maps + "/none"
            let yaml = await server.ask(.get, path, accept: "application/yaml")
            #expect(yaml.headers[.contentType] == "application/yaml")
            #expect(yaml.text.contains("reason: NotFound"))
            let protobuf = await server.ask(.get, path, accept: "application/vnd.kubernetes.protobuf,application/json")
            #expect(protobuf.headers[.contentType] == "application/vnd.kubernetes.protobuf")
            #expect(protobuf.body.starts(with: Protobuf.magic))
            let table = await server.ask(.get, path, accept: "application/yaml;as=Table;\(Self.meta)")
            #expect(table.headers[.contentType] == "application/json")
            #expect(await server.ask(.get, path, headers: ["User-Agent": "curl/8.1"]).text.contains("{\n  \"kind\": \"Status\""))
        }
    }

    @Test func knowsWhichPathsAndMethodsThereAre() async throws {
        let page = "404 page not found\n"
        let rows: [(method: HTTPRequest.Method, path: String, code: Int, text: String?)] = [
            (.get, "/nope", 404, page), (.post, "/nope", 404, page), (.options, "/nope", 404, page), (.get, "/apis/nope", 404, page),
            (.get, "/apis/nope/v1/things", 404, page), (.get, "/api/v2", 404, nil), (.get, "/apis/apps/v9/things", 404, nil),
            (.get, "/api/v1/things", 404, nil), (.get, "/openapi/v3/nope", 404, ""), (.head, Self.maps, 405, ""),
            (.head, Self.maps + "/none", 405, ""), (.head, "/api/v1", 405, ""), (.head, "/version", 405, ""), (.head, "/apis", 200, ""),
            (.head, "/healthz", 500, ""), (.options, Self.maps, 405, nil), (.put, "/apis/apps/v1", 405, nil),
            (.trace, "/version", 405, nil),
        ]
        try await TestServer.with { server in
            for row in rows {
                let answer = await server.ask(row.method, row.path)
                #expect(answer.code == row.code, "\(row.method) \(row.path)")
                if let text = row.text { #expect(answer.text == text, "\(row.method) \(row.path)") }
            }
        }
    }

    @Test func readsOnlyWhatItUnderstands() async throws {
        let body = "the body of the request was in an unknown format - accepted media types include: \(Self.all)"
        let rows: [(method: HTTPRequest.Method, path: String, type: String, message: String)] = [
            (.post, Self.maps, "text/plain", body), (.post, Self.maps, "application/json;x", body),
            (.delete, Self.maps + "/none", "application/merge-patch+json", body),
            (.patch, Self.maps + "/none", "application/json", "415: Unsupported Media Type"),
            (.patch, Self.maps + "/none", "APPLICATION/merge-patch+json", "415: Unsupported Media Type"),
        ]
        try await TestServer.with { server in
            for row in rows {
                let answer = await server.ask(row.method, row.path, .emptyObject, type: row.type)
                #expect(answer.code == 415, "\(row.method) \(row.type)")
                #expect(answer.message == row.message, "\(row.method) \(row.type)")
            }
            #expect(await server.ask(.post, Self.maps, TestServer.configMap("m"), type: "application/JSON;charset=utf-8").code == 201)
            #expect(await server.ask(.get, Self.maps + "/m?resourceVersion=x").code == 500)
            let table = await server.ask(.get, Self.maps + "?includeObject=x", accept: "application/json;as=Table;\(Self.meta)")
            #expect(table.message.hasPrefix("Unable to convert to Table as requested: includeObject: Invalid value: \"x\""))
        }
    }
}
