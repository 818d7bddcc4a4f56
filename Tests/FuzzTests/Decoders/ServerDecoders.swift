import APIModel
import Crypto
import Foundation
import HTTPTypes
import Logging
import SwiftASN1
import X509

@testable import APIServer
@testable import Client
@testable import HTTPServer
@testable import PKI
@testable import PluginHost
@testable import Store

/// What requests, certificates, files of configuration and the database say.
enum ServerDecoders {
    static let all = requests + credentials + issuers + files

    // MARK: Requests

    private static let requests = [
        Decoder(
            text: "request-target",
            seeds: [
                "/api/v1/namespaces/default/pods/web/status?pretty=true", "/apis/apps/v1/watch/deployments?labelSelector=a%3Db&watch=1",
                "/api/v1/nodes/n1/proxy/x/y?z#f",
                "/apis/example.com/v1/namespaces/a/things/b/scale", "http://h/api/v1", "*",
                "/api/v1/namespaces/a/finalize?fieldSelector=metadata.name%3Da",
            ], words: ["%2F", "%00", "%", "//", "..", "?", "&", "=", "+", "#", "/api", "/apis", "/namespaces", "/watch"]
        ) { input in
            let request = request(input)
            let (info, list) = try (RequestInfo(request), ListQuery { request.query($0) })
            _ = Attributes(user: UserInfo(name: "a"), info)
            return "\(info.isResource) \(info.verb) \(info.subresource.isEmpty) \(info.namespace.isEmpty) \(list.limit == nil)"
        },
        Decoder(
            text: "list-query",
            seeds: [
                "limit=500&continue=\(ContinueToken(revision: 7, after: "default/web").text)&timeoutSeconds=1",
                "resourceVersion=0&resourceVersionMatch=NotOlderThan&watch=1&sendInitialEvents=true",
                "labelSelector=a&fieldSelector=b&allowWatchBookmarks=1",
            ], words: ["limit=", "resourceVersion=", "continue=", "timeoutSeconds=", "&"]
        ) { input in
            let request = request("/?" + input)
            let list = try ListQuery { request.query($0) }
            let version = try list.version()
            let token = list.continueToken.isEmpty ? nil : try ContinueToken(list.continueToken)
            return "\(list.limit == nil) \(version == nil) \(token == nil) \(list.timeoutSeconds == nil)"
        },
        Decoder(
            text: "continue", seeds: [ContinueToken(revision: 7, after: "default/web").text, ContinueToken(revision: .max, after: "").text]
        ) { input in
            "\((try ContinueToken(input).revision ?? 0) % 3)"
        },
        Decoder("continue-content", seeds: [JSON.encode(["v": "meta.k8s.io/v1", "rv": 7, "start": "default/web"])], isJSON: true) { input in
            "\(try ContinueToken(Base64.encode(input)).text.count)"
        },
        Decoder(
            text: "accept",
            seeds: [
                "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;q=0.5", "application/vnd.kubernetes.protobuf, */*;q=0.1",
                "text/html",
            ],
            words: [";q=", "as=", ";v=", ",", "*/*", "stream=watch"]
        ) { input in
            _ = MediaType(input)
            return "\(try Presentation.negotiate(Accept(input), isPretty: true))"
        },
        Decoder(
            "delete-options",
            seeds: [
                JSON.encode([
                    "gracePeriodSeconds": 30, "propagationPolicy": "Foreground", "preconditions": ["uid": "a", "resourceVersion": "1"],
                    "dryRun": ["All"],
                ])
            ], isJSON: true
        ) { input in
            "\(try DeleteOptions(JSON.decode(input)))".filter { !$0.isNumber }.prefix(80).description
        },
    ]

    /// What a server makes of a request's target.
    private static func request(_ target: String) -> Request {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let query = (parts.count > 1 ? parts[1] : "").split(separator: "&").map { parameter -> (name: String, value: String) in
            let pair = parameter.split(separator: "=", maxSplits: 1).map { String($0).removingPercentEncoding ?? String($0) }
            return (pair.first ?? "", pair.count > 1 ? pair[1] : "")
        }
        return Request(method: .get, path: parts.first ?? "", query: query)
    }

    // MARK: Who asks

    private static let authority = Result { try CertificateAuthority.create(commonName: "fuzz") }
    private static let key = ServiceAccountKey()
    private static let claims = ServiceAccountClaims(
        issuer: "i", audiences: ["a"], namespace: "default", serviceAccount: .init(name: "web", uid: "u"), pod: .init(name: "p", uid: "v"),
        issuedAt: 1,
        lifetime: 9_999_999_999, warnAfter: 5, id: "x")
    private static let clientPEM = (try? authority.get().issueClient(user: "u", groups: ["g"]).certificatePEM) ?? ""
    private static let caPEM = (try? authority.get().certificatePEM) ?? ""
    private static func der(_ pem: String) -> [UInt8] {
        Base64.decode(pem.split(separator: "\n").filter { !$0.hasPrefix("-") }.joined()) ?? []
    }

    private static let credentials = [
        Decoder(text: "token", seeds: [(try? key.sign(claims)) ?? "", "a.b.c"], words: ["."]) { input in
            "\(try key.verify(input, now: 1000))".prefix(20).description
        },
        Decoder("token-claims", seeds: [JSON.encode(claims.value)], isJSON: true) { input in
            guard let claims = ServiceAccountClaims(try JSON.decode(input)) else { return "none" }
            return "\(claims.expires > claims.notBefore) \(claims.value.isEmpty)"
        },
        Decoder(text: "token-file", seeds: ["abc,admin,1,\"system:masters,x\"\nd,e,f", "a,b,c,d,e"], words: [",", "\"", "\"\"", "\n"]) {
            input in
            let file = try TokenFile(input)
            return "\(file.authenticate(token: "abc", audiences: []))".prefix(40).description
        },
        Decoder("certificate", seeds: [der(clientPEM), der(caPEM)]) { input in
            let verifier = try ClientCertificateVerifier(caPEM: caPEM)
            return "\(try await verifier.verify([input, der(caPEM)]))".prefix(40).description
        },
        Decoder(
            text: "certificate-pem", seeds: [clientPEM, clientPEM + caPEM],
            words: ["-----BEGIN CERTIFICATE-----\n", "-----END CERTIFICATE-----\n", "-----"]
        ) { input in
            try CertificateChain.check(pem: input)
            _ = try ClientCertificateVerifier(caPEM: input)
            return "fine"
        },
        Decoder(
            text: "signing-request", seeds: [Self.signingRequest],
            words: ["-----BEGIN CERTIFICATE REQUEST-----\n", "-----END CERTIFICATE REQUEST-----\n"]
        ) { input in
            let request = try SigningRequest(pem: input)
            try request.checkSignature()
            return "\(request.groups.count)"
        },
    ]

    // MARK: Other issuers

    private static let signer = SigningKey()
    private static let authentication: Value = [
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthenticationConfiguration",
        "jwt": [
            [
                "issuer": ["url": "https://i", "audiences": ["a", "b"], "audienceMatchPolicy": "MatchAny"],
                "claimMappings": [
                    "username": ["expression": "claims.sub"], "groups": ["claim": "groups", "prefix": "g:"],
                    "uid": ["expression": "claims.?uid.orValue('')"],
                    "extra": [["key": "example.com/a", "valueExpression": "claims.?a.orValue([])"]],
                ],
                "claimValidationRules": [["expression": "claims.exp > 1", "message": "m"], ["claim": "hd", "requiredValue": "x"]],
                "userValidationRules": [["expression": "user.username != ''"]],
            ]
        ], "anonymous": ["enabled": true, "conditions": [["path": "/livez"]]],
    ]
    private static let authorization: Value = [
        "apiVersion": "apiserver.config.k8s.io/v1", "kind": "AuthorizationConfiguration",
        "authorizers": [["type": "Node", "name": "node"], ["type": "Webhook", "name": "w", "webhook": ["timeout": "3s"]]],
    ]
    private static let mappings = Result {
        try AuthenticationConfiguration(YAML.encode(authentication), ownIssuers: []).issuers.first?.mappings
    }

    private static let issuers = [
        Decoder("key-set", seeds: [JSON.encode(["keys": [signer.publicKey.jwk]])], isJSON: true) { input in
            let keys = VerificationKey.keys(of: try JSON.decode(input))
            let token = try signer.sign(["a": 1])
            return "\(keys.contains { key in JSONWebToken(token).map(key.vouches) ?? false }) \(keys.map(\.jwk).count)"
        },
        Decoder("issued-claims", seeds: [JSON.encode(["sub": "s", "exp": 5, "groups": ["a"], "a": ["b"], "jti": "t"])], isJSON: true) {
            input in
            "\(try mappings.get()?.user(try JSON.decode(input)).groups.count ?? 0)"
        },
        Decoder(text: "authentication-configuration", seeds: [YAML.encode(authentication)]) { input in
            "\(try AuthenticationConfiguration(input, ownIssuers: ["https://own"]).issuers.count)"
        },
        Decoder(text: "authorization-configuration", seeds: [YAML.encode(authorization)]) { input in
            "\(try AuthorizationConfiguration(input).authorizers.count)"
        },
    ]

    // MARK: Files

    private static let kubeconfig: Value = [
        "apiVersion": "v1", "kind": "Config", "current-context": "c",
        "clusters": [["name": "c", "cluster": ["server": "https://127.0.0.1:6443", "certificate-authority-data": "YQ=="]]],
        "users": [["name": "u", "user": ["token": "t", "as": "x", "as-groups": ["g"]]]],
        "contexts": [["name": "c", "context": ["cluster": "c", "user": "u", "namespace": "n"]]],
    ]

    private static let encryptedObject = EncryptedObject(
        .init(keyID: "key", sealed: [1, 2, 3], annotations: ["a.example.com": [4]], type: .seed), [UInt8](repeating: 5, count: 80))

    private static let files = [
        Decoder("encrypted-object", seeds: [(try? encryptedObject.encoded()) ?? []]) { input in
            let object = try EncryptedObject(decoding: input[...])
            _ = try? DerivedKey.open(object.data, seed: [UInt8](repeating: 7, count: DerivedKey.seedSize), at: "a")
            return "\(object.source.type) \(object.source.annotations.count)"
        },
        Decoder(text: "kubeconfig", seeds: [YAML.encode(kubeconfig)]) { input in
            let path = try Scratch.write(Array(input.utf8))
            defer { unlink(path) }
            _ = try PKI.Kubeconfig.load(path)
            return "\(try ClientConfiguration.load(kubeconfig: path).namespace)"
        },
        Decoder(
            text: "plugin-manifest", seeds: manifests,
            words: ["isolation: Process", "mode: Shadow", "config:", "limits:", "rules:", "deadline: "]
        ) { input in
            let reader = ManifestReader(file: "fuzz.yaml")
            return "\(try YAML.decode(input).map(reader.manifest).count)"
        },
        Decoder(
            "status",
            seeds: [
                JSON.encode([
                    "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Conflict", "message": "m", "code": 409,
                    "details": ["name": "a", "causes": [["field": "x"]], "retryAfterSeconds": 1],
                ])
            ], isJSON: true
        ) { input in
            let error = APIError(status: try JSON.decode(input), code: 500)
            return "\(error.code) \(error.reason)".filter { !$0.isNumber }
        },
        // Whole files, as a damaged disk may give them.
        Decoder("database", seeds: [database], longest: 1 << 17) { input in
            let path = try Scratch.write(input)
            defer { for ending in ["", "-wal", "-shm", "-journal", ".lock"] { unlink(path + ending) } }
            var log = Logger(label: "fuzz")
            log.logLevel = .critical
            let store = try Store(path: path, log: log)
            let count = store.collections().count
            await store.close()
            return "\(count)"
        },
    ]

    private static let manifests: [String] = {
        let directory = URL(fileURLWithPath: Scratch.root + "/plugin-manifests")
        let files = (try? FileManager.default.contentsOfDirectory(at: directory, includingPropertiesForKeys: nil)) ?? []
        return files.sorted { $0.path < $1.path }.compactMap { try? String(contentsOf: $0, encoding: .utf8) }
    }()

    private static let database: [UInt8] = {
        guard let path = try? Scratch.write([]), let engine = try? SQLiteEngine(path: path, options: Options()), (try? engine.load()) != nil
        else { return [] }
        defer { for ending in ["", "-wal", "-shm", ".lock"] { unlink(path + ending) } }
        let encoded = JSON.encodeForStore(DecoderSamples.objects[0])
        let body = Body(bytes: encoded.bytes, resourceVersionOffset: encoded.resourceVersionOffset)
        _ = try? engine.commit(
            ["default/a", "default/b"].map {
                Mutation(key: RecordKey(collection: "/pods", name: $0), expectation: .absent, action: .put(body))
            })
        engine.close()
        return FileManager.default.contents(atPath: path).map { Array($0) } ?? []
    }()

    private static let signingRequest: String = {
        let subject = DistinguishedName([RelativeDistinguishedName(.init(type: .RDNAttributeType.commonName, utf8String: "u"))])
        let request = try? CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: .init(P256.Signing.PrivateKey()),
            attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256)
        return (try? request?.serializeAsPEM().pemString) ?? ""
    }()
}
