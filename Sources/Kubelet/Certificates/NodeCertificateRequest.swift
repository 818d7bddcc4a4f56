import APIModel
public import Client
public import PKI

/// Has the cluster sign a certificate of the node, by a CertificateSigningRequest that somebody approves.
public struct NodeCertificateRequest: Sendable {
    /// What the certificate is for.
    public enum Use: String, Sendable {
        /// What the node shows to the API.
        case client = "kubernetes.io/kube-apiserver-client-kubelet"
        /// What the node's own server shows.
        case serving = "kubernetes.io/kubelet-serving"

        fileprivate var usages: Value { ["digital signature", .string(self == .client ? "client auth" : "server auth")] }
    }

    private static let requests = GroupVersionResource(
        group: "certificates.k8s.io", version: "v1", resource: "certificatesigningrequests")

    private let client: any Client
    private let node: String
    private let use: Use
    private let names: [String]
    private let addresses: [String]
    private let interval: Duration

    /// - Parameters:
    ///   - names: DNS names of the node; for a serving certificate.
    ///   - addresses: its IP addresses; likewise.
    ///   - interval: how often it is looked whether the certificate is there.
    public init(
        _ use: Use, node: String, names: [String] = [], addresses: [String] = [], client: any Client,
        every interval: Duration = .seconds(2)
    ) {
        self.use = use
        self.node = node
        self.names = names
        self.addresses = addresses
        self.client = client
        self.interval = interval
    }

    /// As upstream: whoever does not approve within it is asked anew.
    private static let patience = Duration.seconds(900)

    /// Asks, and waits until the certificate is there.
    /// - Throws: `PKIError` when it is denied, cannot be made, or does not come; what the API throws.
    public func signed() async throws -> KeyPair {
        let request = try CertificateRequest(
            user: "system:node:\(node)", groups: ["system:nodes"], names: names, addresses: addresses)
        let object: Value = [
            "apiVersion": "certificates.k8s.io/v1", "kind": "CertificateSigningRequest", "metadata": ["generateName": "csr-"],
            "spec": [
                "request": .string(Base64.encode(Array(request.pem.utf8))), "signerName": .string(use.rawValue), "usages": use.usages,
            ],
        ]
        let name = try await client.create(Self.requests, object).name
        let end = ContinuousClock.now + Self.patience
        while ContinuousClock.now < end {
            let status = try await client.get(Self.requests, name: name).value["status"]
            for condition in status["conditions"].elements where ["Denied", "Failed"].contains(condition["type"].string ?? "") {
                throw PKIError("\(name) is \(condition["type"].string ?? ""): \(condition["message"].string ?? "")")
            }
            if let certificate = status["certificate"].string.flatMap(Base64.decode) {
                let pair = KeyPair(certificatePEM: String(decoding: certificate, as: UTF8.self), privateKeyPEM: request.keyPEM)
                try pair.check()
                return pair
            }
            try await Task.sleep(for: interval)
        }
        throw PKIError("\(name) was neither approved nor denied in time")
    }
}
