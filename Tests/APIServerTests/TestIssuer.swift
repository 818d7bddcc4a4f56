import APIModel
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import OrderedCollections
import PKI
import Synchronization

@testable import APIServer

/// An issuer of tokens over TLS on this machine: publishes its keys as the test says, and counts who asks for them.
final class TestIssuer: Sendable {
    let url: String
    let authorityPEM: String
    private let server: HTTPServer
    private let documents: Documents

    /// What it answers, by path; what is not there is 404.
    private final class Documents: Responder {
        let texts = Mutex<[String: [UInt8]]>([:])
        let asked = Mutex<[String]>([])
        let credentials = Mutex<[String]>([])

        func respond(to request: Request) async -> Response {
            asked.withLock { $0.append(request.path) }
            if let shown = request.headers[.authorization] { credentials.withLock { $0.append(shown) } }
            guard let text = texts.withLock({ $0[request.path] }) else { return .full(status: .notFound, headers: [:], body: []) }
            return .full(status: .ok, headers: [:], body: [text])
        }
    }

    private init() async throws {
        let authority = try CertificateAuthority.create(commonName: "issuers")
        let pair = try authority.issueServer(commonName: "issuer", names: ["localhost"], addresses: ["127.0.0.1"])
        authorityPEM = authority.certificatePEM
        documents = Documents()
        var configuration = HTTPServer.Configuration(host: "127.0.0.1", port: 0)
        configuration.tls = try .server(certificateChainPEM: pair.certificatePEM, privateKeyPEM: pair.privateKeyPEM)
        let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        server = try HTTPServer(configuration: configuration, responder: documents, log: log)
        url = "https://127.0.0.1:\(try await server.start().port ?? 0)"
        publish(["issuer": .string(url), "jwks_uri": .string("\(url)/keys")], at: "/.well-known/openid-configuration")
    }

    /// Runs `body` with an issuer of its own that publishes `keys`.
    static func with(_ keys: [SigningKey], _ body: (TestIssuer) async throws -> Void) async throws {
        let issuer = try await TestIssuer()
        issuer.publish(keys)
        do {
            try await body(issuer)
        } catch {
            await issuer.server.shutdown(grace: .zero)
            throw error
        }
        await issuer.server.shutdown(grace: .zero)
    }

    func publish(_ keys: [SigningKey]) { publish(["keys": .array(keys.map(\.publicKey.jwk))], at: "/keys") }
    func publish(_ document: Value?, at path: String) { publish(text: document.map { JSON.encode($0) }, at: path) }
    func publish(text: [UInt8]?, at path: String) { documents.texts.withLock { $0[path] = text } }

    /// How often somebody asked for a path.
    func count(_ path: String) -> Int { documents.asked.withLock { $0.count { $0 == path } } }
    var credentials: [String] { documents.credentials.withLock { $0 } }

    /// An entry of `jwt` for this issuer, with what the test changes about it.
    func entry(_ changes: Value = .emptyObject) -> Value {
        let entry: Value = [
            "issuer": ["url": .string(url), "audiences": ["apus"], "certificateAuthority": .string(authorityPEM)],
            "claimMappings": ["username": ["claim": "sub", "prefix": "oidc:"]],
        ]
        return Change.apply(changes, to: entry)
    }

    /// A file with one entry.
    static func file(_ entries: Value..., anonymous: Value = .null) -> String {
        let file: Value = [
            "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration", "jwt": .array(entries),
            "anonymous": anonymous,
        ]
        return String(decoding: JSON.encode(file), as: UTF8.self)
    }
}

/// What a test changes about an object.
enum Change {
    /// In the place of a field that shall not be there: a literal leaves out what is null.
    static let gone: Value = "(gone)"

    static func apply(_ changes: Value, to object: Value) -> Value { without(Patch.merge(object, changes)) }

    private static func without(_ value: Value) -> Value {
        switch value {
        case .object(let fields): .object(fields.filter { $0.value != gone }.mapValues(without))
        case .array(let elements): .array(elements.map(without))
        default: value
        }
    }
}
