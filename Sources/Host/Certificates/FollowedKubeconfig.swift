internal import Client
internal import Logging
internal import NIOPosix

extension HTTPSClient {
    /// Shows the certificate that a kubeconfig, or a file that it names, has from now on, until the task is cancelled.
    func follow(kubeconfig path: String, every interval: Duration = .seconds(10)) async {
        let log = Logger(label: "certificates")
        var shown = try? await Self.read(path)
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            do {
                let new = try await Self.read(path)
                guard shown.map({ !$0.identifies(as: new) }) ?? true else { continue }
                shown = new
                try await use(new)
                log.notice("the kubeconfig was read again", metadata: ["path": "\(path)"])
            } catch {
                if Task.isCancelled { return }
                log.error("the kubeconfig is not used: \(error)", metadata: ["path": "\(path)"])
            }
        }
    }

    private static func read(_ path: String) async throws -> ClientConfiguration {
        try await NIOThreadPool.singleton.runIfActive { try KubeconfigOptions.load(path) }
    }
}

extension ClientConfiguration {
    /// Whether both show the same and believe the same.
    fileprivate func identifies(as other: ClientConfiguration) -> Bool {
        clientCertificate == other.clientCertificate && clientKey == other.clientKey && certificateAuthority == other.certificateAuthority
    }
}
