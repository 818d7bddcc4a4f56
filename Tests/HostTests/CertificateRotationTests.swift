import APIModel
import ArgumentParser
import Foundation
import HTTPServer
import NIOSSL
import PKI
import Synchronization
import Testing

@testable import Host

/// Certificates that change while a process runs.
@Suite struct CertificateRotationTests {
    private static let start: Whole = 1_800_000_000

    private static func withDirectory(_ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("rotation-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    /// Runs `work` beside `body`, and ends it with `body`.
    private static func beside(_ work: @escaping @Sendable () async -> Void, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await work() }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private static func until(_ condition: () async throws -> Bool) async throws {
        while try await !condition() { try await Task.sleep(for: .milliseconds(2)) }
    }

    @Test func theClustersAreRenewedAsTimeGoesBy() async throws {
        try await Self.withDirectory { directory in
            let (layout, cluster) = (Layout(directory: directory), Layout.Cluster(server: "https://127.0.0.1:6443", nodeName: "n"))
            let first = try layout.prepare(cluster, now: Self.start)
            let now = Mutex(Self.start)
            let used = Mutex<[Layout.Credentials]>([])
            let failures = Mutex(2)
            struct Busy: Error {}
            var rotation = CertificateRotation(layout, cluster) { made in
                // What cannot be used at once is not forgotten: the files are new already.
                try failures.withLock { left in
                    guard left == 0 else {
                        left -= 1
                        throw Busy()
                    }
                }
                used.withLock { $0.append(made) }
            }
            rotation.now = { now.withLock { $0 } }
            let running = rotation
            try await Self.beside {
                await running.run(every: .milliseconds(1))
            } _: {
                try await Task.sleep(for: .milliseconds(20))
                #expect(used.withLock { $0.isEmpty })
                now.withLock { $0 += 300 * 86_400 }
                try await Self.until { used.withLock { $0.count == 1 } }
                let renewed = try #require(used.withLock { $0.first })
                #expect(renewed.apiServer != first.apiServer && renewed.ca.pair == first.ca.pair)
                now.withLock { $0 += 300 * 86_400 }
                try await Self.until { used.withLock { $0.count == 2 } }
                #expect(used.withLock { $0.last }?.apiServer != renewed.apiServer)
            }
        }
    }

    @Test func filesAreTakenUpWhenTheyChange() async throws {
        try await Self.withDirectory { directory in
            let (certificate, key) = ("\(directory)/tls.crt", "\(directory)/tls.key")
            let authority = try CertificateAuthority.create(commonName: "ca")
            func write(_ pair: KeyPair) throws {
                try Data(pair.certificatePEM.utf8).write(to: URL(fileURLWithPath: certificate), options: .atomic)
                try Data(pair.privateKeyPEM.utf8).write(to: URL(fileURLWithPath: key), options: .atomic)
            }
            let pairs = try ["a", "b"].map { try authority.issueServer(commonName: $0, names: [$0], addresses: []) }
            try write(pairs[0])
            let options = try CertificateOptions.parse(["--tls-cert-file", certificate, "--tls-private-key-file", key])
            #expect(try options.serving(nil).chainPEM == pairs[0].certificatePEM)
            let shown = Mutex<[String]>([])
            try await Self.beside {
                await FollowedFiles.follow("test", [certificate, key], every: .milliseconds(1)) {
                    let new = try options.serving(nil)
                    shown.withLock { $0.append(new.chainPEM) }
                }
            } _: {
                // A certificate without its key is not used, whichever comes first.
                try write(KeyPair(certificatePEM: pairs[1].certificatePEM, privateKeyPEM: pairs[0].privateKeyPEM))
                try await Task.sleep(for: .milliseconds(20))
                #expect(shown.withLock { $0.isEmpty })
                // Written again and again, since nobody tells when the files are looked at for the first time.
                var pair = pairs[1]
                while shown.withLock({ $0.isEmpty }) {
                    pair.certificatePEM += "\n"
                    try write(pair)
                    try await Task.sleep(for: .milliseconds(5))
                }
                #expect(shown.withLock { $0.last }?.hasPrefix(pairs[1].certificatePEM) == true)
            }
        }
    }

    @Test func namesComeFromTheFlagOrTheCertificate() async throws {
        try await Self.withDirectory { directory in
            let authority = try CertificateAuthority.create(commonName: "ca")
            let pair = try authority.issueServer(commonName: "c", names: ["in.example.com"], addresses: ["127.0.0.1"])
            let (certificate, key) = ("\(directory)/a.crt", "\(directory)/a.key")
            try Data(pair.certificatePEM.utf8).write(to: URL(fileURLWithPath: certificate))
            try Data(pair.privateKeyPEM.utf8).write(to: URL(fileURLWithPath: key))
            let options = try TLSOptions.parse([
                "--tls-sni-cert-key", "\(certificate),\(key)", "--tls-sni-cert-key", "\(certificate),\(key):a.example.com,*.example.com",
                "--tls-min-version", "VersionTLS13", "--tls-cipher-suites", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,TLS_AES_128_GCM_SHA256",
            ])
            let serving = try options.serving(pair)
            #expect(serving.named.map(\.names) == [["a.example.com", "*.example.com"], ["in.example.com"]])
            #expect(serving.minimumVersion == .tlsv13 && serving.ciphers == [.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256])
            #expect(options.files.count == 4)
        }
    }
}
