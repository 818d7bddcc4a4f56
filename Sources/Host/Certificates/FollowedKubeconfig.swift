internal import APIServer
internal import Client
internal import Logging

extension HTTPSClient {
    /// Shows the certificate that a kubeconfig, or a file that it names, has from now on, until the task is cancelled.
    func follow(kubeconfig path: String, every interval: Duration = .seconds(10)) async {
        var shown = try? await KubeconfigOptions.read(path)
        await WatchedFile.follow("kubeconfig", in: [path], every: interval, log: Logger(label: "certificates")) {
            let new = try await KubeconfigOptions.read(path)
            guard shown.map({ !$0.identifies(as: new) }) ?? true else { return false }
            shown = new
            try await use(new)
            return true
        }
    }
}

extension ClientConfiguration {
    /// Whether both show the same and believe the same.
    fileprivate func identifies(as other: ClientConfiguration) -> Bool {
        clientCertificate == other.clientCertificate && clientKey == other.clientKey && certificateAuthority == other.certificateAuthority
    }
}
