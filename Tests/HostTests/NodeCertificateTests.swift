import APIModel
import APIServer
import Client
import Foundation
import Kubelet
import Logging
import PKI
import Synchronization
import Testing

@testable import Host

/// Certificates of a node that the cluster signs, asked for as the node through the API.
@Suite struct NodeCertificateTests {
    private static let requests = GroupVersionResource(
        group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests")

    /// Signs, or denies, all that is asked for, as an administrator with an authority of openssl's.
    private final class Signer: Sendable {
        let directory: String
        let admin: any Client
        /// Whether what is asked for is denied.
        let denies = Mutex(false)
        /// The text of every request, as openssl shows it.
        let seen = Mutex<[String]>([])

        init(_ scene: Scene) throws {
            directory = scene.directory.path
            admin = scene.server.client(as: "admin", groups: ["system:masters"])
            let ca = try CertificateAuthority.create(commonName: "ca").pair
            try Data(ca.certificatePEM.utf8).write(to: URL(filePath: "\(directory)/ca.crt"))
            try Data(ca.privateKeyPEM.utf8).write(to: URL(filePath: "\(directory)/ca.key"))
        }

        private func shell(_ command: String) throws -> String {
            let process = Process()
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", command]
            let output = Pipe()
            (process.standardOutput, process.standardError) = (output, FileHandle.nullDevice)
            try process.run()
            let bytes = output.fileHandleForReading.readDataToEndOfFile()
            process.waitUntilExit()
            return String(decoding: bytes, as: UTF8.self)
        }

        func run() async {
            while !Task.isCancelled {
                for object in (try? await admin.list(NodeCertificateTests.requests).items) ?? [] { try? await answer(object) }
                try? await Task.sleep(for: .milliseconds(2))
            }
        }

        private func answer(_ object: Object) async throws {
            let status = object.value["status"]
            guard status["certificate"].isNull, status["conditions"].isEmpty else { return }
            let pem = object.value[path: "spec", "request"].string.flatMap(Base64.decode) ?? []
            try Data(pem).write(to: URL(filePath: "\(directory)/request.pem"))
            let text = try shell("openssl req -in \(directory)/request.pem -noout -text")
            seen.withLock { $0.append("\(object.value["spec"]["signerName"].string ?? "") \(text)") }
            let isDenied = denies.withLock { $0 }
            var changed = object.value
            changed["status"]["conditions"] = [
                ["type": isDenied ? "Denied" : "Approved", "status": "True", "reason": "r", "message": "no such node"]
            ]
            let answered = try await admin.update(
                NodeCertificateTests.requests, name: object.name, subresource: "approval", changed)
            guard !isDenied else { return }
            let certificate = try shell(
                "cd \(directory) && openssl x509 -req -in request.pem -CA ca.crt -CAkey ca.key -CAcreateserial -days 10 -copy_extensions copy"
            )
            changed = answered.value
            changed["status"]["certificate"] = .string(Base64.encode(Array(certificate.utf8)))
            _ = try await admin.updateStatus(NodeCertificateTests.requests, name: object.name, changed)
        }
    }

    /// What was shown, in order.
    private final class Shown: Sendable {
        let pairs = Mutex<[KeyPair]>([])
    }

    /// A clock that a test puts forward, by seconds.
    private final class Clock: Sendable {
        let ahead = Mutex<Whole>(0)
        var now: Whole { Timestamp.nowSeconds() + ahead.withLock { $0 } }
    }

    private static func with(_ body: (Scene, Signer, any Client) async throws -> Void) async throws {
        try await Scene.with { scene in
            let signer = try Signer(scene)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await signer.run() }
                defer { group.cancelAll() }
                try await body(scene, signer, scene.server.client(as: "system:node:n", groups: ["system:nodes"]))
            }
        }
    }

    @Test func aNodeAsksForWhatItIs() async throws {
        try await Self.with { _, signer, node in
            let client = try await NodeCertificateRequest(.client, node: "n", client: node, every: .milliseconds(2)).signed()
            try client.check()
            let serving = try await NodeCertificateRequest(
                .serving, node: "n", names: ["n"], addresses: ["192.0.2.1", "2001:db8::1"], client: node, every: .milliseconds(2)
            ).signed()
            #expect(serving.names == ["n"])
            let seen = signer.seen.withLock { $0 }
            #expect(seen.count == 2)
            for text in seen { #expect(text.contains("O = system:nodes, CN = system:node:n"), "\(text)") }
            #expect(seen.first?.hasPrefix("kubernetes.io/kube-apiserver-client-kubelet ") == true)
            #expect(seen.last?.contains("DNS:n, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1") == true)
            signer.denies.withLock { $0 = true }
            await #expect(throws: PKIError.self) {
                try await NodeCertificateRequest(.client, node: "n", client: node, every: .milliseconds(2)).signed()
            }
            // Not for another node, whoever approves.
            await #expect(throws: APIError.self) { try await NodeCertificateRequest(.client, node: "m", client: node).signed() }
        }
    }

    @Test func aCertificateIsReplacedBeforeItEndsAndKept() async throws {
        try await Self.with { scene, signer, node in
            let clock = Clock()
            let file = "\(scene.directory.path)/kubelet-client-current.pem"
            let rotation = NodeCertificateRotation(
                file: file, NodeCertificateRequest(.client, node: "n", client: node, every: .milliseconds(2))
            ) { clock.now }
            #expect(rotation.kept == nil)
            let shown = Shown()
            func comes(_ count: Int) async throws {
                while shown.pairs.withLock({ $0.count }) < count { try await Task.sleep(for: .milliseconds(2)) }
            }
            let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    await rotation.run(from: nil, every: .milliseconds(2), log: log) { pair in shown.pairs.withLock { $0.append(pair) } }
                }
                defer { group.cancelAll() }
                try await comes(1)
                #expect(rotation.kept == shown.pairs.withLock { $0.first })
                clock.ahead.withLock { $0 = 6 * 86_400 }
                try await Task.sleep(for: .milliseconds(20))
                #expect(shown.pairs.withLock { $0.count } == 1, "six tenths are not enough")
                clock.ahead.withLock { $0 = 9 * 86_400 + 600 }
                try await comes(2)
                #expect(rotation.kept == shown.pairs.withLock { $0.last })
            }
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            clock.ahead.withLock { $0 = 11 * 86_400 }
            #expect(rotation.kept == nil, "what has ended is not shown again")
        }
    }
}
