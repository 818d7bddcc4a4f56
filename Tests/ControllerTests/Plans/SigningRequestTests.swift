import APIModel
import Crypto
import Foundation
import OrderedCollections
import PKI
import SwiftASN1
import Testing
import X509

@testable import ControllerSigningRequests

/// Requests as kubelets and users make them.
enum SigningRequests {
    static func pem(_ user: String, _ groups: [String], _ alternatives: [GeneralName] = []) throws -> String {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        var names = groups.map { RelativeDistinguishedName(.init(type: .RDNAttributeType.organizationName, utf8String: $0)) }
        names.append(RelativeDistinguishedName(.init(type: .RDNAttributeType.commonName, utf8String: user)))
        var attributes: [CertificateSigningRequest.Attribute] = []
        if !alternatives.isEmpty {
            let extensions = try Certificate.Extensions { SubjectAlternativeNames(alternatives) }
            attributes.append(try .init(ExtensionRequest(extensions: extensions)))
        }
        return try CertificateSigningRequest(
            version: .v1, subject: DistinguishedName(names), privateKey: key, attributes: .init(attributes),
            signatureAlgorithm: .ecdsaWithSHA256
        ).serializeAsPEM().pemString
    }

    static func object(_ name: String, _ pem: String, signer: String, usages: [String], seconds: Value = .null) -> Value {
        [
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": ["name": .string(name)],
            "spec": [
                "request": .string(Base64.encode(Array(pem.utf8))), "signerName": .string(signer), "usages": Value(usages),
                "expirationSeconds": seconds,
            ],
        ]
    }

    static let ofKubelet = ["digital signature", "client auth"]
}

@Suite struct SigningRequestTests {
    private static let node = "system:node:n1"
    private static let dns = GeneralName.dnsName("n1")
    private static let address = GeneralName.ipAddress(ASN1OctetString(contentBytes: [10, 0, 0, 1]))

    @Test(
        arguments: [
            (node, ["system:nodes"], [], ["digital signature", "client auth"], nil),
            (node, ["system:nodes"], [], ["digital signature", "key encipherment", "client auth"], nil),
            (node, ["system:masters"], [], ["client auth"], "subject organization is not system:nodes"),
            (node, ["system:nodes", "x"], [], ["client auth"], "subject organization is not system:nodes"),
            ("bob", ["system:nodes"], [], ["digital signature", "client auth"], "subject common name does not begin with system:node:"),
            (node, ["system:nodes"], [dns], ["digital signature", "client auth"], "DNS subjectAltNames are not allowed"),
            (node, ["system:nodes"], [address], ["digital signature", "client auth"], "IP subjectAltNames are not allowed"),
            (
                node, ["system:nodes"], [], ["client auth", "server auth"],
                "usages did not match [client auth digital signature key encipherment]"
            ),
        ] as [(String, [String], [GeneralName], [String], String?)])
    func clientsAmongKubelets(user: String, groups: [String], names: [GeneralName], usages: [String], problem: String?) throws {
        let object = SigningRequests.object(
            "r", try SigningRequests.pem(user, groups, names), signer: "kubernetes.io/kube-apiserver-client-kubelet", usages: usages)
        #expect(SignerRules.problem("kubernetes.io/kube-apiserver-client-kubelet", try RequestedCertificate(object)) == problem)
    }

    @Test(
        arguments: [
            ("kubernetes.io/kubelet-serving", [dns, address], ["digital signature", "server auth"], nil),
            ("kubernetes.io/kubelet-serving", [], ["digital signature", "server auth"], "DNS or IP subjectAltName is required"),
            (
                "kubernetes.io/kubelet-serving", [dns, .rfc822Name("a@b")], ["digital signature", "server auth"],
                "Email subjectAltNames are not allowed"
            ),
            (
                "kubernetes.io/kubelet-serving", [dns], ["client auth"],
                "usages did not match [digital signature key encipherment server auth]"
            ),
            ("kubernetes.io/kube-apiserver-client", [], ["client auth"], nil),
            ("kubernetes.io/kube-apiserver-client", [], ["server auth"], "invalid usage for client certificate: server auth"),
            (
                "kubernetes.io/kube-apiserver-client", [], ["digital signature"],
                "missing required usage for client certificate: client auth"
            ),
            ("kubernetes.io/legacy-unknown", [], ["cert sign"], nil),
        ] as [(String, [GeneralName], [String], String?)])
    func otherSigners(signer: String, names: [GeneralName], usages: [String], problem: String?) throws {
        let pem = try SigningRequests.pem(Self.node, ["system:nodes"], names)
        let object = SigningRequests.object("r", pem, signer: signer, usages: usages)
        #expect(SignerRules.problem(signer, try RequestedCertificate(object)) == problem)
    }

    @Test func whatIsNoRequest() {
        let object = SigningRequests.object("r", "-----BEGIN NOTHING-----\n", signer: "kubernetes.io/legacy-unknown", usages: [])
        #expect(throws: (any Error).self) { try RequestedCertificate(object) }
    }

    @Test(arguments: [(nil, 86_400), (3600, 3600), (600, 600), (10, 600), (100_000, 86_400)] as [(Whole?, Whole)])
    func honoursTheDuration(wanted: Whole?, seconds: Whole) { #expect(Signer.seconds(wanted: wanted, most: 86_400) == seconds) }

    @Test func signs() throws {
        let ca = try CertificateAuthority.create(commonName: "test")
        let signer = try Signer(certificate: ca.certificatePEM, key: ca.pair.privateKeyPEM, duration: 365 * 86_400)
        let pem = try SigningRequests.pem(Self.node, ["system:nodes"], [Self.dns, Self.address])
        let requested = try RequestedCertificate(
            SigningRequests.object("r", pem, signer: "kubernetes.io/kubelet-serving", usages: ["digital signature", "server auth"]))
        let now = Timestamp.nowSeconds()
        let issued = try Certificate(pemEncoded: try signer.sign(requested, wanted: 3600, now: now))
        #expect(Whole(issued.notValidAfter.timeIntervalSince1970) == now + 3600)
        #expect(Whole(issued.notValidBefore.timeIntervalSince1970) == now - 300)
        #expect(issued.subject == requested.request.subject && issued.publicKey == requested.request.publicKey)
        let names = try #require(try issued.extensions.subjectAlternativeNames)
        #expect(Array(names) == [Self.dns, Self.address])
        #expect(try issued.extensions.keyUsage == KeyUsage(digitalSignature: true))
        #expect(try issued.extensions.extendedKeyUsage == ExtendedKeyUsage([.serverAuth]))
        #expect(try Certificate(pemEncoded: ca.certificatePEM).publicKey.isValidSignature(issued.signature, for: issued))
        #expect(throws: (any Error).self) { try signer.sign(requested, wanted: nil, now: now + 20 * 365 * 86_400) }
        let other = try CertificateAuthority.create(commonName: "other")
        #expect(throws: (any Error).self) {
            try Signer(certificate: ca.certificatePEM, key: other.pair.privateKeyPEM, duration: 3600)
        }
    }

    @Test(
        arguments: [
            ([], false, 86_400), ([("Approved", 100)], true, 3700), ([("Approved", 100)], false, 86_500), ([("Denied", 50)], false, 3650),
            ([("Approved", 100), ("Failed", 200)], false, 3800),
        ] as [([(String, Whole)], Bool, Whole)])
    func goesInTime(conditions: [(String, Whole)], isIssued: Bool, end: Whole) {
        let begin: Whole = 1_800_000_000
        let request: Value = [
            "metadata": ["creationTimestamp": .string(Timestamp.format(seconds: begin))],
            "status": [
                "certificate": isIssued ? "bm8gY2VydGlmaWNhdGU=" : .null,
                "conditions": .array(
                    conditions.map {
                        [
                            "type": .string($0.0), "status": "True",
                            "lastUpdateTime": .string(Timestamp.format(seconds: begin + $0.1)),
                        ]
                    }),
            ],
        ]
        #expect(RequestState.end(of: request) == begin + end)
    }
}
