import APIModel
import Client
import HTTPServer
import HTTPTypes
import PKI
import SwiftASN1
import Synchronization
import Testing

@testable import APIServer

/// Who gets in by bootstrap tokens, by what a webhook says, and by the headers of a proxy in front.
@Suite struct AuthenticatorTests {
    // MARK: Bootstrap tokens

    private static func secret(_ changes: [String: String?] = [:], type: String = "bootstrap.kubernetes.io/token") -> Value {
        var data: [String: String?] = [
            "token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-authentication": "true",
            "expiration": "2030-01-01T00:00:00Z", "auth-extra-groups": "system:bootstrappers:workers",
        ]
        data.merge(changes) { $1 }
        var fields: Value = .emptyObject
        for (name, text) in data { if let text { fields[name] = .string(text) } }
        return ["metadata": ["name": "bootstrap-token-abcdef"], "type": .string(type), "stringData": fields]
    }

    @Test(
        arguments: [
            ("abcdef.0123456789abcdef", secret(), true), ("abcdef.0123456789abcdeg", secret(), false),
            ("abcdeg.0123456789abcdef", secret(), false), ("abcdef", secret(), false), ("ABCDEF.0123456789abcdef", secret(), false),
            ("abcdef.0123456789abcdef", secret(["expiration": "2020-01-01T00:00:00Z"]), false),
            ("abcdef.0123456789abcdef", secret(["expiration": "soon"]), false),
            ("abcdef.0123456789abcdef", secret(["expiration": nil]), true),
            ("abcdef.0123456789abcdef", secret(["usage-bootstrap-authentication": "false"]), false),
            ("abcdef.0123456789abcdef", secret(["token-id": "other1"]), false),
            ("abcdef.0123456789abcdef", secret(["auth-extra-groups": "system:masters"]), false),
            ("abcdef.0123456789abcdef", secret(type: "Opaque"), false),
        ]) func aNewNodeShowsItsToken(_ token: String, _ secret: Value, _ isGood: Bool) async throws
    {
        try await TestServer.with { server in
            #expect(await server.ask(.post, "/api/v1/namespaces/kube-system/secrets", secret).code == 201)
            let tokens = BootstrapTokens(store: server.store, now: { 1_800_000_000 })
            guard case .user(let user, nil, _) = tokens.authenticate(token: token, audiences: []) else {
                #expect(!isGood)
                return
            }
            #expect(isGood)
            #expect(user.name == "system:bootstrap:abcdef")
            #expect(user.groups.contains("system:bootstrappers"))
        }
    }

    @Test func bootstrapTokensAreOffUnlessTheyAreWanted() async throws {
        for isOn in [false, true] {
            try await TestServer.with {
                $0.acceptsBootstrapTokens = isOn
            } _: { server in
                await server.ask(.post, "/api/v1/namespaces/kube-system/secrets", Self.secret())
                let review = await server.ask(
                    .post, "/apis/authentication.k8s.io/v1/selfsubjectreviews", .emptyObject, token: "abcdef.0123456789abcdef")
                #expect(review.code == (isOn ? 201 : 401))
                let groups: Value = ["system:bootstrappers", "system:bootstrappers:workers", "system:authenticated"]
                if isOn { #expect(review.json[path: "status", "userInfo", "groups"] == groups) }
            }
        }
    }

    // MARK: The webhook

    @Test func aServerIsAskedAboutUnknownTokens() async throws {
        let reviewed = Mutex(0)
        try await WebhookServer.with { _ in
            .emptyObject
        } reply: { review in
            reviewed.withLock { $0 += 1 }
            guard review[path: "spec", "token"] == "good" else { return ["status": ["authenticated": false]] }
            return ["status": ["authenticated": true, "user": ["username": "carol", "groups": ["devs"], "extra": ["a": ["b"]]]]]
        } _: { hook in
            var backend = ClientConfiguration(server: "https://127.0.0.1:\(hook.port)/authenticate")
            backend.certificateAuthority = try #require(Base64.decode(hook.caBundle))
            let tokens = try WebhookTokens(backend)
            try await TestServer.with {
                $0.tokenWebhook = tokens
            } _: { server in
                let reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
                for _ in 0..<2 {
                    let answer = await server.ask(.post, reviews, .emptyObject, token: "good").json[path: "status", "userInfo"]
                    #expect(
                        answer == ["username": "carol", "groups": ["devs", "system:authenticated"], "extra": ["a": ["b"]]], "\(answer)")
                    #expect(await server.ask(.post, reviews, .emptyObject, token: "bad").code == 401)
                    #expect(await server.ask(.post, reviews, .emptyObject, token: "alice-token").code == 201)
                }
                #expect(reviewed.withLock { $0 } == 2, "what it said is remembered, and what is known here is not asked")
            }
        }
    }

    // MARK: Request headers

    @Test func aProxyInFrontIsBelieved() async throws {
        let (front, other) = (
            try CertificateAuthority.create(commonName: "front"), try CertificateAuthority.create(commonName: "other")
        )
        func chain(_ authority: CertificateAuthority, _ name: String) throws -> [[UInt8]] {
            [try PEMDocument(pemString: authority.issueClient(user: name).certificatePEM).derBytes]
        }
        var headers = RequestHeaders(try ClientCertificateVerifier(caPEM: front.certificatePEM))
        headers.allowedNames = ["front-proxy-client"]
        func user(_ chain: [[UInt8]], _ fields: [(String, String)]) async throws -> UserInfo? {
            var all = HTTPFields()
            for (name, value) in fields { all.append(HTTPField(name: try #require(HTTPField.Name(name)), value: value)) }
            return await headers.user(of: Request(method: .get, path: "/api", headers: all, peerCertificates: chain))
        }
        let told = [
            ("X-Remote-User", "dave"), ("X-Remote-Group", "a"), ("X-Remote-Group", "b"), ("X-Remote-Extra-Acme.com%2Fproject", "p"),
            ("X-Remote-Uid", "7"),
        ]
        let believed = try await user(try chain(front, "front-proxy-client"), told)
        #expect(believed == UserInfo(name: "dave", uid: "7", groups: ["a", "b"], extra: ["acme.com/project": ["p"]]))
        #expect(try await user(try chain(front, "somebody"), told) == nil)
        #expect(try await user(try chain(other, "front-proxy-client"), told) == nil)
        #expect(try await user([], told) == nil)
        #expect(try await user(try chain(front, "front-proxy-client"), []) == nil)
    }
}
