import APIModel
import PKI
import Testing

/// What is renewed as time goes by.
@Suite struct RenewalTests {
    private let cluster = Layout.Cluster(server: "https://127.0.0.1:6443", nodeName: "node-1")
    private static let start: Whole = 1_800_000_000
    private static let day: Whole = 86_400

    @Test func certificatesAreRenewedLongBeforeTheyEnd() async throws {
        try await withDirectory { directory in
            let layout = Layout(directory: directory)
            let first = try layout.prepare(cluster, now: Self.start)
            #expect(!first.apiServer.isDue(at: Self.start))
            #expect(try !layout.prepare(cluster, now: Self.start + 240 * Self.day).changed)
            let later = Self.start + 250 * Self.day
            #expect(first.apiServer.isDue(at: later))
            let second = try layout.prepare(cluster, now: later)
            #expect(second.changed)
            for (old, new) in [
                (first.apiServer, second.apiServer), (first.kubeletClient, second.kubeletClient), (first.kubelet, second.kubelet),
                (first.frontProxyClient, second.frontProxyClient),
            ] {
                #expect(old != new && !new.isDue(at: later))
            }
            for role in Layout.Role.allCases { #expect(first.kubeconfigs[role]?.client != second.kubeconfigs[role]?.client, "\(role)") }
            // The authorities and the key of tokens stay: others know them.
            #expect(second.ca.pair == first.ca.pair && second.frontProxyCA.pair == first.frontProxyCA.pair)
            #expect(second.serviceAccountKey.id == first.serviceAccountKey.id)
            #expect(try !layout.prepare(cluster, now: later + Self.day).changed)
            // Through all the years of the authority.
            for year in 2...9 as ClosedRange<Int64> {
                let now = Self.start + Whole(year) * 365 * Self.day
                #expect(try !layout.prepare(cluster, now: now).apiServer.isDue(at: now), "after \(year) years")
            }
        }
    }

    @Test func aClientIsBelievedFromItsBeginningToItsEnd() async throws {
        let authority = try CertificateAuthority.create(commonName: "ca", now: Self.start)
        let chain = [try der(authority.issueClient(user: "u", now: Self.start).certificatePEM)]
        for (after, isGood) in [(Whole(-1000), false), (0, true), (364 * Self.day, true), (366 * Self.day, false)] {
            let verifier = try ClientCertificateVerifier(caPEM: authority.certificatePEM) { Self.start + after }
            for _ in 0..<2 {
                let identity = try? await verifier.verify(chain)
                #expect((identity?.user == "u") == isGood, "\(after) seconds after")
            }
        }
    }

    @Test func otherAuthoritiesMayBeBelievedFromNowOn() async throws {
        let (old, new) = (try CertificateAuthority.create(commonName: "a"), try CertificateAuthority.create(commonName: "a"))
        let chains = try [old, new].map { [try der($0.issueClient(user: "u").certificatePEM)] }
        let verifier = try ClientCertificateVerifier(caPEM: old.certificatePEM)
        func believed() async -> [Bool] {
            var believed: [Bool] = []
            for chain in chains { believed.append((try? await verifier.verify(chain)) != nil) }
            return believed
        }
        #expect(await believed() == [true, false])
        try verifier.use(caPEM: old.certificatePEM + new.certificatePEM)
        #expect(await believed() == [true, true])
        #expect(throws: PKIError.self) { try verifier.use(caPEM: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n") }
        #expect(await believed() == [true, true])
        try verifier.use(caPEM: new.certificatePEM)
        #expect(await believed() == [false, true])
    }

    @Test func aPairIsCheckedAndTellsItsNames() throws {
        let authority = try CertificateAuthority.create(commonName: "ca")
        let (one, other) = (
            try authority.issueServer(commonName: "x", names: ["a.example.com", "*.b.example.com"], addresses: ["127.0.0.1"]),
            try authority.issueServer(commonName: "y", names: [], addresses: [])
        )
        try one.check()
        #expect(one.names == ["a.example.com", "*.b.example.com"] && other.names == ["y"])
        #expect(throws: PKIError.self) { try KeyPair(certificatePEM: one.certificatePEM, privateKeyPEM: other.privateKeyPEM).check() }
        #expect(throws: PKIError.self) { try KeyPair(certificatePEM: "", privateKeyPEM: one.privateKeyPEM).check() }
    }
}
