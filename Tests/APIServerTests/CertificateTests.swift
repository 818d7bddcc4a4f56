import APIModel
import Crypto
import HTTPTypes
import PKI
import SwiftASN1
import Testing
import X509

@testable import APIServer

/// Certificates that the cluster's signers are asked for.
@Suite struct CertificateTests {
    private static let path = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
    private static let merge = "application/merge-patch+json"
    private static let client = "kubernetes.io/kube-apiserver-client"

    private static func object(_ name: String, signer: String = client, user: String = "eve", groups: [String] = []) throws -> Value {
        let key = P256.Signing.PrivateKey()
        let subject = DistinguishedName(
            groups.map { RelativeDistinguishedName(.init(type: .RDNAttributeType.organizationName, utf8String: $0)) } + [
                RelativeDistinguishedName(.init(type: .RDNAttributeType.commonName, utf8String: user))
            ])
        let request = try CertificateSigningRequest(
            version: .v1, subject: subject, privateKey: .init(key), attributes: CertificateSigningRequest.Attributes(),
            signatureAlgorithm: .ecdsaWithSHA256)
        return [
            "metadata": ["name": .string(name)],
            "spec": [
                "request": .string(Base64.encode(Array(try request.serializeAsPEM().pemString.utf8))), "signerName": .string(signer),
                "usages": ["client auth"],
            ],
        ]
    }

    private func grant(_ server: TestServer, _ name: String, _ rules: Value) async {
        let rbac = "/apis/rbac.authorization.k8s.io/v1"
        #expect(await server.ask(.post, "\(rbac)/clusterroles", ["metadata": ["name": .string(name)], "rules": rules]).code == 201)
        let binding: Value = [
            "metadata": ["name": .string(name)],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": .string(name)],
            "subjects": [["kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "bob"]],
        ]
        #expect(await server.ask(.post, "\(rbac)/clusterrolebindings", binding).code == 201)
    }

    @Test func approvingAndSigningNeedTheSignersRights() async throws {
        try await TestServer.with { server in
            #expect(await server.ask(.post, Self.path, try Self.object("a")).code == 201)
            let parts: Value = ["certificatesigningrequests/approval", "certificatesigningrequests/status"]
            await grant(server, "writer", [["apiGroups": ["certificates.k8s.io"], "resources": parts, "verbs": ["patch"]]])
            let approval: Value = [
                "metadata": ["annotations": ["seen": "yes"]],
                "status": ["conditions": [["type": "Approved", "status": "True", "reason": "r"]]],
            ]
            func approve() async -> TestServer.Answer {
                await server.ask(.patch, "\(Self.path)/a/approval", approval, type: Self.merge, token: "bob-token")
            }
            #expect(await approve().message.contains("user not permitted to approve requests with signerName \"\(Self.client)\""))
            await grant(
                server, "approver",
                [
                    [
                        "apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": ["kubernetes.io/*"],
                        "verbs": ["approve"],
                    ]
                ])
            #expect(await approve().json["metadata"]["annotations"]["seen"] == "yes")

            let certificate = try CertificateAuthority.create(commonName: "ca").issueClient(user: "eve").certificatePEM
            let signature: Value = ["status": ["certificate": .string(Base64.encode(Array(certificate.utf8)))]]
            func sign() async -> TestServer.Answer {
                await server.ask(.patch, "\(Self.path)/a/status", signature, type: Self.merge, token: "bob-token")
            }
            #expect(await sign().message.contains("user not permitted to sign requests with signerName \"\(Self.client)\""))
            await grant(
                server, "signer",
                [
                    [
                        "apiGroups": ["certificates.k8s.io"], "resources": ["signers"], "resourceNames": [.string(Self.client)],
                        "verbs": ["sign"],
                    ]
                ])
            #expect(await sign().code == 200)
            let again: Value = ["status": ["certificate": .string(Base64.encode(Array((certificate + certificate).utf8)))]]
            let changed = await server.ask(.patch, "\(Self.path)/a/status", again, type: Self.merge, token: "bob-token")
            #expect(changed.message.contains("updates may not modify existing certificate content"))
            // Whoever may sign cannot decide whether to.
            let denial: Value = ["status": ["conditions": [["type": "Denied", "status": "True"]]]]
            #expect(await server.ask(.patch, "\(Self.path)/a/status", denial, type: Self.merge, token: "bob-token").code == 422)
        }
    }

    @Test func nobodyAsksForMasters() async throws {
        try await TestServer.with { server in
            let refused = await server.ask(.post, Self.path, try Self.object("a", groups: ["system:masters"]))
            #expect(refused.code == 403)
            #expect(refused.message.contains("use of \(Self.client) signer with system:masters group is not allowed"))
        }
    }

    @Test func requestsAreWellFormedAndSigned() async throws {
        try await TestServer.with { server in
            var object = try Self.object("a")
            let other = try Self.object("b")
            object["spec"]["request"] = .string(Base64.encode(Array("no request".utf8)))
            #expect(await server.ask(.post, Self.path, object).message.contains("PEM block type must be CERTIFICATE REQUEST"))
            // A request with another's name put over it: the signature is not of what it says.
            let good = Base64.decode(other[path: "spec", "request"].string ?? "") ?? []
            let bytes = try PEMDocument(pemString: String(decoding: good, as: UTF8.self)).derBytes
            let at = try #require(bytes.firstRange(of: Array("eve".utf8)))
            let forged = PEMDocument(type: "CERTIFICATE REQUEST", derBytes: bytes.replacing(bytes[at], with: Array("bob".utf8)))
            object["spec"]["request"] = .string(Base64.encode(Array(forged.pemString.utf8)))
            #expect(await server.ask(.post, Self.path, object).code == 422)
            for (field, value, message) in [
                ("signerName", "nobody", "must be a fully qualified domain and path"),
                ("signerName", "kubernetes.io/legacy-unknown", "the legacy signerName is not allowed"),
                ("usages", ["coffee"], "Unsupported value: \"coffee\""),
            ] as [(String, Value, String)] {
                var bad = other
                bad["spec"][field] = value
                #expect(await server.ask(.post, Self.path, bad).message.contains(message))
            }
        }
    }

    @Test func aNodeAsksInItsOwnNameAlone() async throws {
        try await TestServer.with { server in
            let node = ["Impersonate-User": "system:node:n1", "Impersonate-Group": "system:nodes"]
            let signer = "kubernetes.io/kube-apiserver-client-kubelet"
            let own = try Self.object("a", signer: signer, user: "system:node:n1", groups: ["system:nodes"])
            #expect(await server.ask(.post, Self.path, own, headers: node).code == 201)
            let foreign = try Self.object("b", signer: signer, user: "system:node:n2", groups: ["system:nodes"])
            #expect(await server.ask(.post, Self.path, foreign, headers: node).message.contains("CN=system:node:n1"))
        }
    }
}
