import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import Streaming
import Testing

@Suite(.timeLimit(.minutes(1))) struct TLSTests {
    @Sendable private static func answer(_ request: Request) async -> Response {
        switch request.path {
        case "/stream":
            return .stream(status: .ok, headers: [:]) { body in
                for number in 0..<3 { try await body.write(Array("event \(number)\n".utf8)) }
            }
        case "/count": return .text("\((try? await request.body.collect(upTo: .max))?.count ?? -1)")
        case "/big": return .full(status: .ok, headers: [:], body: [[UInt8](repeating: 65, count: 3_000_000)])
        case "/fail":
            return .stream(status: .ok, headers: [:]) { body in
                try await body.write(Array("begun".utf8))
                throw ConnectionClosed()
            }
        default: return .text("\(request.peerCertificates.count) \(request.headers[HTTPField.Name("Host")!] ?? "none")")
        }
    }

    @Test(arguments: ["--http2", "--http1.1"]) func servesCurl(version: String) async throws {
        try await withDirectory { directory in
            let server = try await Identity.make(in: directory, name: "server")
            let client = try await Identity.make(in: directory, name: "client")
            let tls = try TLSConfiguration.server(certificateChainPEM: server.certificate, privateKeyPEM: server.key)
            try await withServer(tls: tls, answer: Self.answer) { _, port in
                @Sendable func curl(_ path: String, _ more: String...) async throws -> String {
                    try await output(
                        "curl", ["-sS", version, "--cacert", server.certificatePath] + more + ["https://127.0.0.1:\(port)\(path)"])
                }
                let first = try await curl("/", "-w", " %{http_version}")
                #expect(first == "0 127.0.0.1:\(port) \(version == "--http2" ? "2" : "1.1")")
                #expect(try await curl("/", "--cert", client.certificatePath, "--key", client.keyPath).hasPrefix("1 "))
                #expect(try await curl("/", "--tls-max", "1.2", "--cert", client.certificatePath, "--key", client.keyPath).hasPrefix("1 "))
                #expect(try await curl("/", "--tls-max", "1.1").contains("curl: (35)"))
                #expect(try await curl("/stream") == "event 0\nevent 1\nevent 2\n")
                #expect(try await curl("/big").count == 3_000_000)
                #expect(try await curl("/count", "-T", server.certificatePath) == "\(server.certificate.utf8.count)")
                let broken = try await curl("/fail")
                #expect(broken.contains("begun") && broken.contains("curl: ("))
                #expect(try await curl("/big", "-I").lowercased().contains("content-length: 3000000\r\n"))
            }
        }
    }

    @Test func aHandshakeThatFailsIsTold() async throws {
        try await withDirectory { directory in
            let identity = try await Identity.make(in: directory, name: "server")
            let tls = try TLSConfiguration.server(certificateChainPEM: identity.certificate, privateKeyPEM: identity.key)
            let (failures, note) = AsyncStream<Void>.makeStream()
            var configuration = HTTPServer.Configuration(host: "127.0.0.1", port: 0, tls: tls)
            configuration.handshakeFailed = { note.yield() }
            let server = try HTTPServer(
                configuration: configuration, responder: Answers(answer: Self.answer), log: Logger(label: "test"))
            let port = try #require(try await server.start().port)
            let good = try await output("curl", ["-sS", "--cacert", identity.certificatePath, "https://127.0.0.1:\(port)/count"])
            #expect(good == "0")
            _ = try await output("curl", ["-s", "http://127.0.0.1:\(port)/"])
            var told = failures.makeAsyncIterator()
            #expect(await told.next() != nil)
            await server.shutdown(grace: .zero)
            note.finish()
            #expect(await told.next() == nil)
        }
    }

    @Test func onlyTheChosenWaysToExchangeKeysAreSpoken() async throws {
        try await withDirectory { directory in
            let identity = try await Identity.make(in: directory, name: "server")
            var serving = ServingCertificate(chainPEM: identity.certificate, keyPEM: identity.key)
            serving.curves = [.secp384r1]
            try await withServer(tls: try serving.configuration(), answer: Self.answer) { _, port in
                @Sendable func curl(_ curve: String) async throws -> String {
                    try await output(
                        "curl", ["-sS", "--curves", curve, "--cacert", identity.certificatePath, "https://127.0.0.1:\(port)/count"])
                }
                let (chosen, other) = (try await curl("P-384"), try await curl("X25519"))
                #expect(chosen == "0")
                #expect(other.contains("curl: (35)"))
            }
        }
    }

    @Test func showsTheClientsCertificateToTheResponder() async throws {
        try await withDirectory { directory in
            let server = try await Identity.make(in: directory, name: "server")
            let client = try await Identity.make(in: directory, name: "client")
            let shown = Signal<[[UInt8]]>()
            try await withServer(tls: try .server(certificateChainPEM: server.certificate, privateKeyPEM: server.key)) { request in
                await shown.report(request.peerCertificates)
                return .text("")
            } whileServing: { _, port in
                let tls = Dialer.TLS(caPEM: server.certificate, certificateChainPEM: client.certificate, privateKeyPEM: client.key)
                let pipe = try await Dialer.connect(host: "127.0.0.1", port: port, tls: tls)
                #expect(try await HTTP1Request(target: "/", host: "a").send(over: pipe).status == 200)
                #expect(await shown.wait() == [try NIOSSLCertificate(bytes: Array(client.certificate.utf8), format: .pem).toDERBytes()])
                await pipe.close()
            }
        }
    }

    @Test func dialerRefusesAnUnknownServer() async throws {
        try await withDirectory { directory in
            let server = try await Identity.make(in: directory, name: "server")
            let other = try await Identity.make(in: directory, name: "other")
            try await withServer(tls: try .server(certificateChainPEM: server.certificate, privateKeyPEM: server.key)) { _ in
                .text("")
            } whileServing: { _, port in
                await #expect(throws: (any Error).self) {
                    let pipe = try await Dialer.connect(host: "127.0.0.1", port: port, tls: .init(caPEM: other.certificate))
                    _ = try await HTTP1Request(target: "/", host: "a").send(over: pipe)
                }
                let pipe = try await Dialer.connect(host: "127.0.0.1", port: port, tls: .init(trustsAnyone: true))
                #expect(try await HTTP1Request(target: "/", host: "a").send(over: pipe).status == 200)
                await pipe.close()
            }
        }
    }

    @Test func newConnectionsSeeARenewedCertificate() async throws {
        try await withDirectory { directory in
            let old = try await Identity.make(in: directory, name: "old")
            let new = try await Identity.make(in: directory, name: "new")
            try await withServer(tls: try .server(certificateChainPEM: old.certificate, privateKeyPEM: old.key)) { _ in
                .text("ok")
            } whileServing: { server, port in
                #expect(try await output("curl", ["-sS", "--cacert", old.certificatePath, "https://127.0.0.1:\(port)/"]) == "ok")
                try server.reload(tls: try .server(certificateChainPEM: new.certificate, privateKeyPEM: new.key))
                #expect(try await output("curl", ["-sS", "--cacert", new.certificatePath, "https://127.0.0.1:\(port)/"]) == "ok")
            }
        }
    }

    @Test func whoAsksForAnotherNameSeesItsCertificate() async throws {
        try await withDirectory { directory in
            var identities: [String: Identity] = [:]
            for name in ["plain", "exact", "wild"] { identities[name] = try await Identity.make(in: directory, name: name) }
            let plain = try #require(identities["plain"])
            var serving = ServingCertificate(chainPEM: plain.certificate, keyPEM: plain.key)
            for (name, names) in [("wild", ["*.example.com"]), ("exact", ["a.Example.com", "localhost"])] {
                let identity = try #require(identities[name])
                serving.named.append(.init(chainPEM: identity.certificate, keyPEM: identity.key, names: names))
            }
            try await withServer(tls: try serving.configuration()) { _ in
                .text("ok")
            } whileServing: { _, port in
                for (asked, shown) in [
                    ("a.example.com", "exact"), ("A.EXAMPLE.com", "exact"), ("b.example.com", "wild"), ("c.b.example.com", "plain"),
                    ("example.com", "plain"), ("localhost", "exact"),
                ] {
                    let told = try await output(
                        "sh", ["-c", "openssl s_client -servername \(asked) -connect 127.0.0.1:\(port) </dev/null 2>&1"])
                    #expect(told.contains("subject=CN = \(shown)\n"), "\(asked): \(told.prefix(300))")
                }
                #expect(try await output("curl", ["-sS", "--cacert", plain.certificatePath, "https://127.0.0.1:\(port)/"]) == "ok")
            }
        }
    }

    @Test func versionsAndCiphersAreThoseThatWereChosen() async throws {
        try await withDirectory { directory in
            let identity = try await Identity.make(in: directory, name: "server")
            var serving = ServingCertificate(chainPEM: identity.certificate, keyPEM: identity.key)
            serving.ciphers = [.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]
            try await withServer(tls: try serving.configuration()) { _ in
                .text("ok")
            } whileServing: { server, port in
                @Sendable func curl(_ more: String...) async throws -> String {
                    try await output("curl", ["-sS", "--cacert", identity.certificatePath] + more + ["https://127.0.0.1:\(port)/"])
                }
                #expect(try await curl("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES256-GCM-SHA384") == "ok")
                #expect(try await curl("--tls-max", "1.2", "--ciphers", "ECDHE-ECDSA-AES128-GCM-SHA256").contains("curl: ("))
                var newer = serving
                newer.minimumVersion = .tlsv13
                try server.reload(tls: newer.configuration())
                #expect(try await curl() == "ok")
                #expect(try await curl("--tls-max", "1.2").contains("curl: ("))
            }
        }
    }
}
