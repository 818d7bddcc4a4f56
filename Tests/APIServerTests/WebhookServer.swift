import APIModel
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import PKI
import Synchronization

@testable import APIServer

/// A webhook server over TLS on this machine that answers as the test says, and keeps what it was asked.
final class WebhookServer: Sendable {
    typealias Judge = @Sendable (_ request: Value) async -> Value

    let caBundle: String
    let port: Int
    private let server: HTTPServer
    private let asked: Asked

    /// The requests of all reviews, in order.
    var requests: [Value] { bodies.map { $0["request"] } }
    /// All that came, in order.
    var bodies: [Value] { asked.bodies.withLock { $0 } }
    /// The header `Authorization` of the last that came.
    var authorization: String? { asked.authorization.withLock { $0 } }

    private final class Asked: Responder {
        let bodies = Mutex<[Value]>([])
        let authorization = Mutex<String?>(nil)
        let judge: Judge
        let reply: Judge?

        init(_ judge: @escaping Judge, reply: Judge?) {
            self.judge = judge
            self.reply = reply
        }

        func respond(to request: Request) async -> Response {
            let bytes = (try? await BodyReader(limit: 3 << 20).bytes(request)) ?? []
            let review = (try? JSON.decode(bytes)) ?? .null
            bodies.withLock { $0.append(review) }
            authorization.withLock { $0 = request.headers[.authorization] }
            if let reply { return .full(status: .ok, headers: [:], body: [JSON.encode(await reply(review))]) }
            var answer = await judge(review["request"])
            if let raw = answer["raw"].string { return .full(status: .ok, headers: [:], body: [Array(raw.utf8)]) }
            if answer["uid"].isNull { answer["uid"] = review["request"]["uid"] }
            let body: Value = ["kind": review["kind"], "apiVersion": review["apiVersion"], "response": answer]
            return .full(status: .ok, headers: [:], body: [JSON.encode(body)])
        }
    }

    private init(_ judge: @escaping Judge, reply: Judge?) async throws {
        let authority = try CertificateAuthority.create(commonName: "webhooks")
        let pair = try authority.issueServer(commonName: "hook", names: ["hook.default.svc", "localhost"], addresses: ["127.0.0.1"])
        caBundle = Base64.encode(Array(authority.certificatePEM.utf8))
        asked = Asked(judge, reply: reply)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var configuration = HTTPServer.Configuration(host: "127.0.0.1", port: 0)
        configuration.tls = try .server(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
        server = try HTTPServer(configuration: configuration, responder: asked, log: log)
        port = try await server.start().port ?? 0
    }

    /// Runs `body` with a server of its own.
    ///
    /// - Parameter reply: answers whatever is sent, in place of reviews of admission.
    static func with(_ judge: @escaping Judge, reply: Judge? = nil, _ body: (WebhookServer) async throws -> Void) async throws {
        let server = try await WebhookServer(judge, reply: reply)
        do {
            try await body(server)
        } catch {
            await server.server.shutdown(grace: .zero)
            throw error
        }
        await server.server.shutdown(grace: .zero)
    }

    /// A webhook that is asked about config maps, with what the test changes about it.
    func hook(_ name: String = "hook.example.com", _ changes: Value = .emptyObject) -> Value {
        let hook: Value = [
            "name": .string(name), "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 5,
            "clientConfig": ["url": .string("https://127.0.0.1:\(port)/path"), "caBundle": .string(caBundle)],
            "rules": [
                ["operations": ["CREATE", "UPDATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["configmaps"]]
            ],
        ]
        return Patch.merge(hook, changes)
    }

    static func patch(_ operations: Value) -> Value {
        ["allowed": true, "patchType": "JSONPatch", "patch": .string(Base64.encode(JSON.encode(operations)))]
    }
}
