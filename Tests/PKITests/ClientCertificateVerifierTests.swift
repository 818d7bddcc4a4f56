import APIModel
import PKI
import Synchronization
import Testing

@Suite struct ClientCertificateVerifierTests {
    @Test func tellsUserAndGroups() async throws {
        let ca = try CertificateAuthority.create(commonName: "kubernetes")
        let verifier = try ClientCertificateVerifier(caPEM: ca.certificatePEM)
        let chain = [try der(ca.issueClient(user: "system:node:a", groups: ["system:nodes", "others"]).certificatePEM)]
        for _ in 0..<2 {
            let identity = try await verifier.verify(chain)
            #expect(identity.user == "system:node:a" && identity.groups == ["system:nodes", "others"])
        }
    }

    @Test func refusesWhatNoCAOfItsVouchesFor() async throws {
        let ca = try CertificateAuthority.create(commonName: "kubernetes")
        let other = try CertificateAuthority.create(commonName: "kubernetes")
        let verifier = try ClientCertificateVerifier(caPEM: ca.certificatePEM)
        let stranger = try der(other.issueClient(user: "kubernetes-admin", groups: ["system:masters"]).certificatePEM)
        await #expect(throws: PKIError.self) { try await verifier.verify([stranger]) }
        await #expect(throws: PKIError.self) { try await verifier.verify([stranger, try der(other.certificatePEM)]) }
        await #expect(throws: PKIError.self) {
            try await verifier.verify([try der(ca.issueServer(commonName: "a", names: ["a"], addresses: []).certificatePEM)])
        }
        await #expect(throws: PKIError.self) { try await verifier.verify([[1, 2, 3]]) }
        await #expect(throws: PKIError.self) { try await verifier.verify([]) }
    }

    @Test func believesEveryCAOfABundle() async throws {
        let (one, two) = (try CertificateAuthority.create(commonName: "one"), try CertificateAuthority.create(commonName: "two"))
        let verifier = try ClientCertificateVerifier(caPEM: one.certificatePEM + "\n" + two.certificatePEM)
        for ca in [one, two] {
            let chain = [try der(ca.issueClient(user: "u").certificatePEM)]
            let identity = try await verifier.verify(chain)
            #expect(identity.user == "u")
        }
    }

    /// Also when it was good a moment ago, and is remembered.
    @Test func refusesWhatIsNotGoodNow() async throws {
        let passed = Mutex<Whole>(0)
        let ca = try CertificateAuthority.create(commonName: "kubernetes")
        let verifier = try ClientCertificateVerifier(caPEM: ca.certificatePEM) { Timestamp.nowSeconds() + passed.withLock { $0 } }
        let chain = [try der(ca.issueClient(user: "u").certificatePEM)]
        #expect(try await verifier.verify(chain).user == "u")
        let century: Whole = 100 * 365 * 86_400
        passed.withLock { $0 = century }
        await #expect(throws: PKIError.self) { try await verifier.verify(chain) }
        let early = try ClientCertificateVerifier(caPEM: ca.certificatePEM) { Timestamp.nowSeconds() - century }
        await #expect(throws: PKIError.self) { try await early.verify(chain) }
    }
}
