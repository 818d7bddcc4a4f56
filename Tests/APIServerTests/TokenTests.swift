import APIModel
import HTTPTypes
import Store
import Testing

@testable import APIServer

/// How long tokens live, and for whom they are.
@Suite struct TokenTests {
    private let namespace = "/api/v1/namespaces/default"
    private let reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    private static let merge = "application/merge-patch+json"

    private func token(_ server: TestServer, boundTo kind: String? = nil, _ name: String = "", audiences: Value = .null) async -> String {
        let reference: Value = kind.map { ["kind": .string($0), "apiVersion": "v1", "name": .string(name)] } ?? .null
        let answer = await server.ask(
            .post, "\(namespace)/serviceaccounts/robot/token", ["spec": ["boundObjectRef": reference, "audiences": audiences]])
        return answer.json["status"]["token"].string ?? answer.text
    }

    private func isGood(_ server: TestServer, _ token: String) async -> Bool { await server.ask(.get, "/api", token: token).code == 200 }

    private func with(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "robot"]])
            try await body(server)
        }
    }

    @Test(arguments: [("Pod", "pods"), ("Secret", "secrets"), ("Node", "nodes")])
    func aTokenDiesWithWhatItIsBoundTo(_ kind: String, _ resource: String) async throws {
        try await with { server in
            let collection = kind == "Node" ? "/api/v1/nodes" : "\(namespace)/\(resource)"
            var object = kind == "Pod" ? TestServer.pod("x") : ["metadata": ["name": "x"]]
            if kind == "Pod" { object["spec"]["serviceAccountName"] = "robot" }
            #expect(await server.ask(.post, collection, object).code == 201)
            let token = await token(server, boundTo: kind, "x")
            #expect(await isGood(server, token))
            await server.ask(.delete, "\(collection)/x")
            #expect(!(await isGood(server, token)))
            // Another of the same name is not what it was bound to.
            await server.ask(.post, collection, object)
            #expect(!(await isGood(server, token)))
        }
    }

    @Test func aTokenDiesWhileItsAccountWaitsForItsFinalizers() async throws {
        try await with { server in
            let token = await token(server)
            let account = "\(namespace)/serviceaccounts/robot"
            await server.ask(.patch, account, ["metadata": ["finalizers": ["example.com/wait"]]], type: Self.merge)
            await server.ask(.delete, account)
            // For as long as clocks may differ.
            #expect(await isGood(server, token))
            let key = try #require(server.server.registry.served.storage(.serviceAccounts)).key(namespace: "default", name: "robot")
            let record = try #require(server.store.get(key))
            var object = record.object.value
            object["metadata"]["deletionTimestamp"] = .string(Timestamp.format(seconds: Clock.seconds - 61))
            _ = try await server.store.put(key, .init(object), expecting: .revision(record.revision))
            #expect(!(await isGood(server, token)))
        }
    }

    @Test func itIsNotedWhenATokenInASecretIsUsedAndAMarkedOneIsRefused() async throws {
        try await with { server in
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await server.server.run() }
                defer { group.cancelAll() }
                let secret = "\(namespace)/secrets/t"
                let made = await server.ask(
                    .post, "\(namespace)/secrets",
                    [
                        "metadata": ["name": "t", "annotations": ["kubernetes.io/service-account.name": "robot"]],
                        "type": "kubernetes.io/service-account-token",
                    ])
                let token = String(decoding: Base64.decode(made.json["data"]["token"].string ?? "") ?? [], as: UTF8.self)
                func labels() async -> Value { await server.ask(.get, secret).json["metadata"]["labels"] }
                #expect(await labels().isNull)
                #expect(await isGood(server, token))
                while await labels().isNull { await Task.yield() }
                #expect(await labels() == ["kubernetes.io/legacy-token-last-used": .string(String(Timestamp.now().prefix(10)))])
                let mark: Value = ["kubernetes.io/legacy-token-invalid-since": "2026-01-01"]
                await server.ask(.patch, secret, ["metadata": ["labels": mark]], type: Self.merge)
                #expect(!(await isGood(server, token)))
                let text = await server.ask(.get, "/metrics").text
                for line in [
                    "serviceaccount_legacy_manual_token_uses_total 1", "serviceaccount_invalid_legacy_auto_token_uses_total 1",
                    "authentication_attempts{result=\"error\"} 1", "authentication_attempts{result=\"success\"}",
                    "authentication_duration_seconds_count{result=\"error\"} 1", "authenticated_user_requests{username=\"admin\"}",
                    "authenticated_user_requests{username=\"other\"}", "authorization_attempts_total{result=\"allowed\"}",
                    "authorization_duration_seconds_count{result=\"allowed\"}",
                ] { #expect(text.contains("\n\(line)"), "\(line)") }
                let unmarked = #"{"metadata":{"labels":{"kubernetes.io/legacy-token-invalid-since":null}}}"#
                await server.ask(.patch, secret, raw: Array(unmarked.utf8), type: Self.merge)
                let generated: Value = ["secrets": [["name": "t"]]]
                await server.ask(.patch, "\(namespace)/serviceaccounts/robot", generated, type: Self.merge)
                let warned = await server.ask(.get, "/api", token: token)
                #expect(warned.warnings.contains("instead of auto-generated secret-based tokens."), "\(warned.warnings)")
                let tracking = "/api/v1/namespaces/kube-system/configmaps/kube-apiserver-legacy-service-account-token-tracking"
                while await server.ask(.get, tracking).code != 200 { await Task.yield() }
                #expect(SecretTokenUses.isDay(await server.ask(.get, tracking).json["data"]["since"].string ?? ""))
            }
        }
    }

    /// Who writes the secret anew without them, as `kubectl replace` does, takes nothing from it.
    @Test func whatIsTakenOutOfATokensSecretComesBack() async throws {
        try await with { server in
            let secret = "\(namespace)/secrets/t"
            let body: Value = [
                "metadata": ["name": "t", "annotations": ["kubernetes.io/service-account.name": "robot"]],
                "type": "kubernetes.io/service-account-token",
            ]
            let made = await server.ask(.post, "\(namespace)/secrets", body).json
            var replaced = body
            replaced["metadata"]["annotations"]["kubernetes.io/service-account.uid"] =
                made["metadata"]["annotations"]["kubernetes.io/service-account.uid"]
            replaced["data"] = ["ca.crt": "b3RoZXI=", "namespace": "b3RoZXI="]
            let now = await server.ask(.put, secret, replaced).json["data"]
            #expect(now["ca.crt"] == made["data"]["ca.crt"] && now["namespace"] == "b3RoZXI=")
            #expect(await isGood(server, String(decoding: Base64.decode(now["token"].string ?? "") ?? [], as: UTF8.self)))
        }
    }

    @Test func aReviewTellsTheAudiencesInCommon() async throws {
        try await with { server in
            let token = await token(server, audiences: ["vault", "other"])
            #expect(!(await isGood(server, token)))
            func review(_ token: String, _ audiences: Value) async -> Value {
                await server.ask(.post, reviews, ["spec": ["token": .string(token), "audiences": audiences]]).json["status"]
            }
            #expect(await review(token, ["vault", "mine"])["audiences"] == ["vault"])
            #expect(await review(token, ["mine"])["authenticated"] != true)
            #expect(await review(token, .null)["authenticated"] != true)
            // A static token names nobody: it is for this server.
            #expect(await review("alice-token", ["vault"])["authenticated"] != true)
            #expect(await review("alice-token", .null)["audiences"] == ["https://kubernetes.default.svc.cluster.local"])
        }
    }

    @Test func aRequestForATokenIsCheckedAgainstItself() async throws {
        try await with { server in
            let path = "\(namespace)/serviceaccounts/robot/token"
            let spec: Value = ["audiences": []]
            for (body, code) in [
                (["metadata": ["name": "other"], "spec": spec], 422), (["metadata": ["uid": "other"], "spec": spec], 409),
                (["spec": ["boundObjectRef": ["kind": "Pod", "apiVersion": "example.com/v1", "name": "p"]]], 400),
                (["spec": ["boundObjectRef": ["kind": "ConfigMap", "apiVersion": "v1", "name": "p"]]], 400),
                (["metadata": ["name": "robot", "namespace": "default"], "spec": spec], 201),
            ] as [(Value, Int)] {
                let answer = await server.ask(.post, path, body)
                #expect(answer.code == code, "\(answer.text)")
            }
        }
    }

    /// The token that every pod gets is good for a year, and says what was asked for; any other is good for as long as that.
    @Test(
        arguments: [
            (3607, "Pod", true, true), (3607, "Pod", false, false), (3600, "Pod", true, false), (3607, "", true, false),
            (3607, "other audience", true, false),
        ] as [(Whole, String, Bool, Bool)])
    func aTokenOfAPodOutlivesClientsThatKeepIt(_ seconds: Whole, _ what: String, _ extends: Bool, _ isExtended: Bool) async throws {
        try await TestServer.with {
            $0.extendsTokensOfPods = extends
        } _: { server in
            await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "robot"]])
            var pod = TestServer.pod("x")
            pod["spec"]["serviceAccountName"] = "robot"
            await server.ask(.post, "\(namespace)/pods", pod)
            let reference: Value = what.isEmpty ? .null : ["kind": "Pod", "apiVersion": "v1", "name": "x"]
            let spec: Value = [
                "boundObjectRef": reference, "expirationSeconds": .int(seconds),
                "audiences": what == "other audience" ? ["vault"] : .null,
            ]
            let answer = await server.ask(.post, "\(namespace)/serviceaccounts/robot/token", ["spec": spec]).json
            let payload = (answer["status"]["token"].string ?? "").split(separator: ".").dropFirst().first ?? ""
            let claims = try JSON.decode(try #require(Base64URL.decode(payload)))
            let (begin, end) = (claims["iat"].int ?? 0, claims["exp"].int ?? 0)
            #expect(end - begin == (isExtended ? 31_536_000 : seconds))
            #expect(claims["kubernetes.io"]["warnafter"].int == (isExtended ? begin + seconds : nil))
            #expect(answer["spec"]["expirationSeconds"] == .int(seconds))
            #expect(answer["status"]["expirationTimestamp"].string == Timestamp.format(seconds: begin + seconds))
        }
    }

    @Test func aTokenIsNoLongerGoodThanIsAllowed() async throws {
        try await TestServer.with {
            $0.longestTokenLifetime = 7200
        } _: { server in
            await server.ask(.post, "\(namespace)/serviceaccounts", ["metadata": ["name": "robot"]])
            for (asked, given) in [(7200, 7200), (86_400, 7200)] as [(Whole, Whole)] {
                let answer = await server.ask(
                    .post, "\(namespace)/serviceaccounts/robot/token", ["spec": ["expirationSeconds": .int(asked)]])
                #expect(answer.json["spec"]["expirationSeconds"] == .int(given))
                #expect(answer.warnings.contains("requested expiration of 86400 seconds shortened to 7200 seconds") == (asked > given))
            }
        }
    }
}
