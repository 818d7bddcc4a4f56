internal import APIModel
internal import ArgumentParser
internal import Client
internal import FileSystem
internal import FoundationEssentials
internal import Kubelet
internal import Logging
internal import PKI

/// Certificates of a node that the cluster signs. Names are upstream's.
struct NodeRotationOptions: ParsableArguments {
    @Option(
        help: """
            A kubeconfig with credentials that may ask for a node's certificate, such as a bootstrap token. What --kubeconfig names is \
            made with them when it is not there.
            """)
    var bootstrapKubeconfig: String?

    @Option(help: "Where certificates are kept that the cluster has signed. Default: pki under --root-dir.")
    var certDir: String?

    @Option(help: "Whether the certificate that the API is shown is replaced by one that the cluster signs, before it ends.")
    var rotateCertificates: Bool?

    @Option(help: "Whether the cluster signs the serving certificate.")
    var rotateServerCertificates: Bool?

    func apply(to configuration: inout KubeletConfiguration) {
        if let rotateCertificates { configuration.rotatesCertificates = rotateCertificates }
        if let rotateServerCertificates { configuration.bootstrapsServerTLS = rotateServerCertificates }
    }

    private func directory(_ root: String) -> String { certDir ?? "\(root)/pki" }

    /// What an earlier process had signed, as far as it is still good.
    struct Kept: Sendable {
        var client: KeyPair?
        var serving: KeyPair?
    }

    /// - Throws: `StartupFailure` when the directory cannot be made.
    func kept(_ root: String, node: String) throws -> Kept {
        do {
            try FileManager.default.createDirectory(
                atPath: directory(root), withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw StartupFailure("--cert-dir: \(error)")
        }
        func kept(_ use: NodeCertificateRequest.Use) -> KeyPair? {
            rotation(NodeCertificateRequest(use, node: node, client: NoAPI()), use, root).kept
        }
        return Kept(client: rotateCertificates == false ? nil : kept(.client), serving: kept(.serving))
    }

    private func rotation(_ request: NodeCertificateRequest, _ use: NodeCertificateRequest.Use, _ root: String) -> NodeCertificateRotation {
        let name = use == .client ? "client" : "server"
        return NodeCertificateRotation(file: "\(directory(root))/kubelet-\(name)-current.pem", request)
    }

    /// Makes the kubeconfig when it is not there, with a certificate that the cluster signs for who shows the bootstrap credentials.
    func bootstrap(kubeconfig path: String, node: String, _ process: RoleProcess) async throws {
        guard let bootstrapKubeconfig, !FileManager.default.fileExists(atPath: path) else { return }
        let configuration = try KubeconfigOptions.load(bootstrapKubeconfig)
        do { _ = try Directory.make(Files.parent(of: Files.resolved(path))) } catch { throw StartupFailure("--kubeconfig: \(error)") }
        let client = try process.client(kubeconfig: bootstrapKubeconfig)
        do {
            process.log.notice("asking for the node's certificate", metadata: ["server": "\(configuration.server)"])
            let pair = try await NodeCertificateRequest(.client, node: node, client: client).signed()
            let text = Kubeconfig(
                clusterName: "default-cluster", userName: "default-auth", contextName: "default-context", server: configuration.server,
                caPEM: String(decoding: configuration.certificateAuthority, as: UTF8.self), client: pair
            ).text
            try Files.replace(path, Array(text.utf8), mode: 0o600)
        } catch {
            await client.shutDown()
            throw StartupFailure("--bootstrap-kubeconfig: \(error)")
        }
        await client.shutDown()
    }

    /// Has certificates signed as they are due, for as long as the group runs.
    func follow(
        _ configuration: KubeletConfiguration, _ kept: Kept, _ root: String, kubeconfig: String, _ client: HTTPSClient, _ kubelet: Kubelet,
        in group: inout RoleGroup
    ) {
        let log = Logger(label: "certificates")
        if configuration.rotatesCertificates {
            let rotation = rotation(NodeCertificateRequest(.client, node: configuration.nodeName, client: client), .client, root)
            group.add("client certificate") {
                let shown = try await KubeconfigOptions.read(kubeconfig)
                func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
                let given = KeyPair(certificatePEM: text(shown.clientCertificate), privateKeyPEM: text(shown.clientKey))
                await rotation.run(from: kept.client ?? (given.life == nil ? nil : given), log: log) { pair in
                    try await client.use(try await KubeconfigOptions.read(kubeconfig).showing(pair))
                }
            }
        }
        guard configuration.bootstrapsServerTLS else { return }
        let request = NodeCertificateRequest(
            .serving, node: configuration.nodeName, names: [configuration.nodeName], addresses: configuration.nodeAddresses, client: client)
        let rotation = rotation(request, .serving, root)
        group.add("serving certificate") {
            await rotation.run(from: kept.serving, log: log) { pair in
                try kubelet.serve(certificatePEM: pair.certificatePEM, keyPEM: pair.privateKeyPEM)
            }
        }
    }
}
