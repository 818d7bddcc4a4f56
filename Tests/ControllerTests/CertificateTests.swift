import APIModel
import Client
import Foundation
import PKI
import SwiftASN1
import Testing
import X509

@Suite(.serialized) struct CertificateTests {
    private func condition(_ type: String, reason: Value = "Test") -> Value {
        ["type": .string(type), "status": "True", "reason": reason, "message": "m"]
    }

    @Test func signsWhatIsApproved() async throws {
        let ca = try CertificateAuthority.create(commonName: "test")
        var setup = Cluster.Setup(
            only: [
                "certificatesigningrequest-approving", "certificatesigningrequest-signing", "certificatesigningrequest-cleaner",
            ])
        setup.config["certificatesigningrequest-signing"] = [
            "certificate": .string(ca.certificatePEM), "key": .string(ca.pair.privateKeyPEM),
        ]
        try await Cluster.with(setup) { cluster in
            // What a kubelet may ask for is approved by itself.
            _ = try await cluster.client.create(
                .signingRequests,
                SigningRequests.object(
                    "kubelet", try SigningRequests.pem("system:node:n1", ["system:nodes"]),
                    signer: "kubernetes.io/kube-apiserver-client-kubelet", usages: SigningRequests.ofKubelet, seconds: 3600))
            let signed = try await cluster.wait(for: .signingRequests, "kubelet", "a certificate") {
                !($0?["status"]["certificate"].isEmpty ?? true)
            }
            let approval = ControllerTests.condition(signed, "Approved")
            #expect(approval["reason"] == "AutoApproved")
            #expect(approval["message"] == "Auto approving kubelet client certificate after SubjectAccessReview.")
            let bytes = try #require(Base64.decode(signed["status"]["certificate"].string ?? ""))
            let certificate = try Certificate(pemEncoded: String(decoding: bytes, as: UTF8.self))
            #expect(certificate.notValidAfter < Date(timeIntervalSinceNow: 3601))
            #expect(try Certificate(pemEncoded: ca.certificatePEM).publicKey.isValidSignature(certificate.signature, for: certificate))

            // What is approved and must not be signed fails; what is denied stays without.
            for (name, verdict) in [("bad", "Approved"), ("denied", "Denied")] {
                let made = try await cluster.client.create(
                    .signingRequests,
                    SigningRequests.object(
                        name, try SigningRequests.pem("bob", []), signer: "kubernetes.io/kube-apiserver-client",
                        usages: ["server auth"]))
                var decided = made.value
                decided["status"]["conditions"] = [condition(verdict)]
                _ = try await cluster.client.update(.signingRequests, namespace: nil, name: name, subresource: "approval", decided)
            }
            let failed = try await cluster.wait(for: .signingRequests, "bad", "a refusal") {
                ControllerTests.condition($0 ?? .null, "Failed")["status"] == "True"
            }
            #expect(ControllerTests.condition(failed, "Failed")["reason"] == "SignerValidationFailure")
            #expect(ControllerTests.condition(failed, "Failed")["message"] == "invalid usage for client certificate: server auth")
            try await cluster.waitUntilQuiet()
            let denied = try await cluster.client.get(.signingRequests, namespace: nil, name: "denied").value
            #expect(denied["status"]["certificate"].isEmpty && !ControllerTests.condition(denied, "Denied").isNull)

            // An answer from long ago is cleared away.
            var old = denied
            old["status"]["conditions"][0]["lastUpdateTime"] = "2020-01-01T00:00:00Z"
            _ = try await cluster.client.update(.signingRequests, namespace: nil, name: "denied", subresource: "approval", old)
            try await cluster.wait(for: .signingRequests, "the old one to go") { requests in !requests.contains { $0.name == "denied" } }
        }
    }

    @Test func tokensGoWithTheirAccount() async throws {
        try await Cluster.with(Cluster.Setup(only: ["serviceaccount-token"])) { cluster in
            let account: Value = ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "robot"]]
            func secret(_ name: String, type: Value, of account: Value) -> Value {
                [
                    "apiVersion": "v1", "kind": "Secret", "type": type,
                    "metadata": ["name": .string(name), "annotations": ["kubernetes.io/service-account.name": account]],
                ]
            }
            for name in ["robot", "other"] {
                var account = account
                account["metadata"]["name"] = .string(name)
                _ = try await cluster.client.create(.serviceAccounts, namespace: "default", account)
                _ = try await cluster.client.create(
                    .secrets, namespace: "default",
                    secret("token-\(name)", type: "kubernetes.io/service-account-token", of: .string(name)))
            }
            _ = try await cluster.client.create(.secrets, namespace: "default", secret("plain", type: "Opaque", of: "robot"))
            // One that was deleted is on no list any more; one that never was may be no token.
            _ = try await cluster.client.create(
                .secrets, namespace: "default", secret("brief", type: "kubernetes.io/service-account-token", of: "other"))
            try await cluster.merge(
                .serviceAccounts, "other", ["secrets": [["name": "brief"], ["name": "token-other"], ["name": "never"]]])
            try await cluster.delete(.secrets, "brief")
            try await cluster.wait(for: .serviceAccounts, "other", "the deleted one off the list") {
                $0?["secrets"].elements.compactMap { $0["name"].string } == ["token-other", "never"]
            }
            try await cluster.delete(.serviceAccounts, "robot")
            try await cluster.wait(for: .secrets, in: "default", "the token of robot to go") { secrets in
                secrets.map(\.name).sorted() == ["plain", "token-other"]
            }
        }
    }
}
