internal import ArgumentParser
internal import HTTPServer
internal import NIOSSL
internal import PKI

/// Which TLS a server speaks, and what it shows to clients that ask for other names. Names are upstream's.
struct TLSOptions: ParsableArguments {
    @Option(
        name: .customLong("tls-sni-cert-key"),
        help: """
            CERTIFICATE,KEY[:NAME,…]: a certificate in PEM for clients that ask for one of these names, or for those in the certificate; \
            *.example.com is every name with one part before that. May be given several times.
            """)
    var named: [String] = []

    @Option(help: "The oldest TLS that is spoken: VersionTLS12 or VersionTLS13. Default: VersionTLS12.")
    var tlsMinVersion: String?

    @Option(help: "The cipher suites of TLS 1.2 that are spoken, with commas between. Those of TLS 1.3 are fixed.")
    var tlsCipherSuites: String?

    @Option(
        help: """
            The ways to exchange keys that are spoken, by their numbers in TLS with commas between: 23, 24 and 25 for the curves P-256, P-384 and \
            P-521, 29 for X25519, 4588 for that with ML-KEM-768. Default: 4588, 29, 23 and 24.
            """)
    var tlsCurvePreferences: String?

    private static let versions: [String: TLSVersion] = ["VersionTLS12": .tlsv12, "VersionTLS13": .tlsv13]
    private static let older: Set = ["VersionTLS10", "VersionTLS11"]

    private static let ciphers: [String: NIOTLSCipher] = [
        "TLS_AES_128_GCM_SHA256": .TLS_AES_128_GCM_SHA256, "TLS_AES_256_GCM_SHA384": .TLS_AES_256_GCM_SHA384,
        "TLS_CHACHA20_POLY1305_SHA256": .TLS_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": .TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305": .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305": .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    ]
    /// What TLS 1.3 speaks in any case.
    private static let fixed: Set<NIOTLSCipher> = [.TLS_AES_128_GCM_SHA256, .TLS_AES_256_GCM_SHA384, .TLS_CHACHA20_POLY1305_SHA256]

    private static let curves: Set<NIOTLSCurve> = [.secp256r1, .secp384r1, .secp521r1, .x25519, .x25519_MLKEM768]

    func validate() throws {
        _ = try version
        _ = try suites
        _ = try curves
        _ = try entries
    }

    private var version: TLSVersion {
        get throws {
            guard let tlsMinVersion else { return .tlsv12 }
            if let version = Self.versions[tlsMinVersion] { return version }
            throw ValidationError(
                Self.older.contains(tlsMinVersion)
                    ? "--tls-min-version: \(tlsMinVersion) is not spoken here; VersionTLS12 and VersionTLS13 are"
                    : "--tls-min-version: unknown tls version \"\(tlsMinVersion)\"")
        }
    }

    private var suites: [NIOTLSCipher] {
        get throws {
            let suites = try CommaList.split(tlsCipherSuites.map { [$0] } ?? []).map { name in
                guard let cipher = Self.ciphers[name] else {
                    throw ValidationError("--tls-cipher-suites: Cipher suite \(name) not supported or doesn't exist")
                }
                return cipher
            }
            let older = suites.filter { !Self.fixed.contains($0) }
            guard suites.isEmpty || !older.isEmpty || tlsMinVersion == "VersionTLS13" else {
                throw ValidationError("--tls-cipher-suites: none of them is of TLS 1.2; --tls-min-version=VersionTLS13 leaves that out")
            }
            return older
        }
    }

    private var curves: [NIOTLSCurve] {
        get throws {
            var seen: Set<NIOTLSCurve> = []
            return try CommaList.split(tlsCurvePreferences.map { [$0] } ?? []).map { text in
                let flag = "--tls-curve-preferences"
                guard let number = Int32(text) else { throw ValidationError("\(flag): \(text) is not a number") }
                guard let id = UInt16(exactly: number), id > 0 else {
                    throw ValidationError("\(flag): curve preference \(number) is out of range (must be 1-65535)")
                }
                let curve = NIOTLSCurve(rawValue: id)
                guard seen.insert(curve).inserted else { throw ValidationError("\(flag): duplicate curve preference \(number)") }
                guard Self.curves.contains(curve) else { throw ValidationError("\(flag): curve preference \(number) is not supported") }
                return curve
            }
        }
    }

    private struct Entry {
        var certificate: String
        var key: String
        /// Empty for those in the certificate.
        var names: [String]
    }

    /// Those whose names are said come before those whose names are in the certificate.
    private var entries: [Entry] {
        get throws {
            let all = try named.map { text in
                let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
                let files = parts[0].split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
                guard files.count == 2, files.allSatisfy({ !$0.isEmpty }) else {
                    throw ValidationError("--tls-sni-cert-key: expected comma separated certificate and key file paths")
                }
                return Entry(certificate: files[0], key: files[1], names: parts.count > 1 ? CommaList.split([parts[1]]) : [])
            }
            return all.filter { !$0.names.isEmpty } + all.filter(\.names.isEmpty)
        }
    }

    /// The files of the certificates for other names.
    var files: [String] { (try? entries.flatMap { [$0.certificate, $0.key] }) ?? [] }

    /// - Parameter pair: what is shown where no other name is asked for.
    func serving(_ pair: KeyPair) throws -> ServingCertificate {
        let flag = "--tls-sni-cert-key"
        var serving = ServingCertificate(chainPEM: pair.certificatePEM, keyPEM: pair.privateKeyPEM)
        serving.minimumVersion = try version
        serving.ciphers = try suites
        serving.curves = try curves
        serving.named = try entries.map { entry in
            let pair = KeyPair(
                certificatePEM: try TextFile.read(entry.certificate, of: flag), privateKeyPEM: try TextFile.read(entry.key, of: flag))
            do { try pair.check() } catch { throw StartupFailure("\(flag): \(entry.certificate), \(entry.key): \(error)") }
            return ServingCertificate.Named(
                chainPEM: pair.certificatePEM, keyPEM: pair.privateKeyPEM, names: entry.names.isEmpty ? pair.names : entry.names)
        }
        return serving
    }
}
