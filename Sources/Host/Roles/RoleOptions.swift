internal import APIModel
internal import APIServer
internal import ArgumentParser
internal import Client
internal import HTTPServer
internal import NIOPosix
internal import PKI

/// How a role finds the API.
struct KubeconfigOptions: ParsableArguments {
    @Option(help: "The kubeconfig file with the API's address and the credentials of this component. Its current context is used.")
    var kubeconfig: String

    static func load(_ path: String) throws -> ClientConfiguration {
        do { return try ClientConfiguration.load(kubeconfig: path) } catch { throw StartupFailure("--kubeconfig: \(error)") }
    }

    /// The same on a thread that may block, once everything runs.
    static func read(_ path: String) async throws -> ClientConfiguration {
        try await NIOThreadPool.singleton.runIfActive { try load(path) }
    }
}

/// Whether one of several takes the lead before it works.
struct LeaderElectionOptions: ParsableArguments {
    @Option(defaultAsFlag: true, help: "Hold the component's Lease in kube-system while working. Default: true.")
    var leaderElect: Bool?

    var isOn: Bool { leaderElect ?? true }
}

/// The certificate that a role serves with.
struct CertificateOptions: ParsableArguments {
    @Option(help: "The certificate to serve with, and its chain, in PEM.")
    var tlsCertFile: String?

    @Option(help: "The key of --tls-cert-file, in PEM.")
    var tlsPrivateKeyFile: String?

    @OptionGroup var tls: TLSOptions

    func validate() throws {
        guard (tlsCertFile == nil) == (tlsPrivateKeyFile == nil) else {
            throw ValidationError("--tls-cert-file and --tls-private-key-file go together: one is missing")
        }
    }

    /// `nil` when none is given.
    func read() throws -> KeyPair? {
        guard let tlsCertFile, let tlsPrivateKeyFile else { return nil }
        let pair = KeyPair(
            certificatePEM: try TextFile.read(tlsCertFile, of: "--tls-cert-file"),
            privateKeyPEM: try TextFile.read(tlsPrivateKeyFile, of: "--tls-private-key-file"))
        do { try pair.check() } catch { throw StartupFailure("--tls-cert-file, --tls-private-key-file: \(error)") }
        return pair
    }

    /// Takes up certificates that are put in the place of those that flags name, for as long as the group runs.
    /// - Parameter own: what is served with where no flag names a certificate.
    func follow(
        _ own: ChangingCertificate, in group: inout RoleGroup, _ use: @escaping @Sendable (ServingCertificate) throws -> Void
    ) {
        let options = self
        let files = [tlsCertFile, tlsPrivateKeyFile].compactMap { $0 } + tls.files
        FollowedFiles.follow("serving certificate", files, in: &group) { try use(try options.serving(own.pair)) }
    }

    /// What is shown: by the flags, or `own`.
    func serving(_ own: KeyPair?) throws -> ServingCertificate {
        guard let pair = try read() ?? own else { throw StartupFailure("--tls-cert-file is missing") }
        return try tls.serving(pair)
    }
}

enum Ports {
    /// - Parameter zero: what 0 means to the flag, where it means something.
    static func check(_ port: Int, _ flag: String, zero: String? = nil) throws {
        guard (zero == nil ? 1 : 0)...65535 ~= port else {
            throw ValidationError("\(flag): \(port) is not a port\(zero.map { "; 0 \($0)" } ?? "")")
        }
    }
}

enum Addresses {
    static func check(_ text: String, _ flag: String) throws {
        guard IPLiteral.bytes(text) != nil else { throw ValidationError("\(flag): \(text) is not an address, as in 10.96.0.10") }
    }
}

enum CommaList {
    /// `a,b` given any number of times.
    static func split(_ values: [String]) -> [String] { values.flatMap { $0.split(separator: ",").map { String($0) } } }
}
