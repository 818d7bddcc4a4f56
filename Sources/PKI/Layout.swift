public import APIModel
import FileSystem

/// The keys, certificates and kubeconfigs of a cluster under one directory, named as kubeadm names them: `pki/ca.crt`, `pki/apiserver.key`,
/// `admin.kubeconfig` …
public struct Layout: Sendable {
    public var directory: String

    public init(directory: String) { self.directory = directory }

    /// What the certificates and kubeconfigs must be good for.
    public struct Cluster: Sendable {
        /// The name of cluster and context in kubeconfigs.
        public var name: String
        /// What clients on this machine dial: `https://127.0.0.1:6443`.
        public var server: String
        /// Names and addresses the API server goes by, beside those every cluster has.
        public var names: [String]
        public var addresses: [String]
        public var nodeName: String
        public var nodeAddresses: [String]
        public var domain: String
        /// The address of the Service `kubernetes`.
        public var serviceAddress: String

        public init(
            name: String = "apus", server: String, names: [String] = [], addresses: [String] = [], nodeName: String,
            nodeAddresses: [String] = [], domain: String = "cluster.local",
            serviceAddress: String = "10.96.0.1"
        ) {
            self.name = name
            self.server = server
            self.names = names
            self.addresses = addresses
            self.nodeName = nodeName
            self.nodeAddresses = nodeAddresses
            self.domain = domain
            self.serviceAddress = serviceAddress
        }

        var apiServerNames: [String] {
            Self.unique(
                ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.\(domain)", "localhost", nodeName]
                    + names)
        }
        var apiServerAddresses: [String] { Self.unique([serviceAddress, "127.0.0.1", "::1"] + nodeAddresses + addresses) }
        var kubeletNames: [String] { Self.unique([nodeName, "localhost"]) }
        var kubeletAddresses: [String] { Self.unique(["127.0.0.1"] + nodeAddresses) }

        private static func unique(_ all: [String]) -> [String] {
            var seen: Set<String> = []
            return all.filter { seen.insert($0).inserted }
        }
    }

    /// A component with a kubeconfig of its own.
    public enum Role: String, CaseIterable, Sendable {
        case admin
        case controllerManager = "kube-controller-manager"
        case scheduler = "kube-scheduler"
        case kubelet
        case proxy = "kube-proxy"
        case clusterDNS = "cluster-dns"

        public func user(node: String) -> String {
            switch self {
            case .admin: "kubernetes-admin"
            case .controllerManager, .scheduler, .proxy, .clusterDNS: "system:\(rawValue)"
            case .kubelet: "system:node:\(node)"
            }
        }

        public var groups: [String] {
            switch self {
            case .admin: ["system:masters"]
            case .kubelet: ["system:nodes"]
            case .controllerManager, .scheduler, .proxy, .clusterDNS: []
            }
        }
    }

    /// Everything `prepare` found or made.
    public struct Credentials: Sendable {
        public var ca: CertificateAuthority
        public var apiServer: KeyPair
        /// What the API server shows to kubelets.
        public var kubeletClient: KeyPair
        /// What the kubelet serves with.
        public var kubelet: KeyPair
        public var frontProxyCA: CertificateAuthority
        public var frontProxyClient: KeyPair
        public var serviceAccountKey: ServiceAccountKey
        public var kubeconfigs: [Role: Kubeconfig]
        /// Some certificate is new: whoever serves with it must load it.
        public var changed: Bool
    }

    public var pki: String { "\(directory)/pki" }
    public func kubeconfigPath(_ role: Role) -> String { "\(directory)/\(role.rawValue).kubeconfig" }

    /// Makes what is missing, renews what has less than a third of its life before it or no longer covers `cluster`, and leaves the rest
    /// alone. Keys are readable by their owner only. Throws an error that names the file.
    public func prepare(_ cluster: Cluster, now: Whole = Timestamp.nowSeconds()) throws -> Credentials {
        try Files.makeDirectory(pki, mode: 0o755)
        var changed = false
        let ca = try authority("ca", commonName: "kubernetes", now)
        let frontProxyCA = try authority("front-proxy-ca", commonName: "front-proxy-ca", now)

        func leaf(
            _ name: String, _ authority: CertificateAuthority, user: String, groups: [String] = [], names: [String] = [],
            addresses: [String] = []
        ) throws -> KeyPair {
            if let old = try pair(name), old.serves(authority, names: names, addresses: addresses, user: user, groups: groups, now: now) {
                return old
            }
            changed = true
            let isClient = names.isEmpty && addresses.isEmpty
            let new =
                try isClient
                ? authority.issueClient(user: user, groups: groups, now: now)
                : authority.issueServer(commonName: user, names: names, addresses: addresses, groups: groups, now: now)
            try write(new, name)
            return new
        }

        var kubeconfigs: [Role: Kubeconfig] = [:]
        for role in Role.allCases {
            let user = role.user(node: cluster.nodeName)
            let old = try Kubeconfig.load(kubeconfigPath(role))
            var client = old?.client
            if client?.serves(ca, names: [], addresses: [], user: user, groups: role.groups, now: now) != true {
                client = try ca.issueClient(user: user, groups: role.groups, now: now)
            }
            guard let client else { continue }
            let new = Kubeconfig(
                clusterName: cluster.name, userName: user, server: cluster.server, caPEM: ca.certificatePEM, client: client)
            if new != old {
                changed = true
                try Files.replace(kubeconfigPath(role), Array(new.text.utf8), mode: 0o600)
            }
            kubeconfigs[role] = new
        }
        let apiServer = try leaf(
            "apiserver", ca, user: "kube-apiserver", names: cluster.apiServerNames, addresses: cluster.apiServerAddresses)
        let kubeletClient = try leaf("apiserver-kubelet-client", ca, user: "kube-apiserver-kubelet-client")
        let kubelet = try leaf(
            "kubelet", ca, user: "system:node:\(cluster.nodeName)", groups: ["system:nodes"], names: cluster.kubeletNames,
            addresses: cluster.kubeletAddresses)
        let frontProxyClient = try leaf("front-proxy-client", frontProxyCA, user: "front-proxy-client")
        return Credentials(
            ca: ca, apiServer: apiServer, kubeletClient: kubeletClient, kubelet: kubelet, frontProxyCA: frontProxyCA,
            frontProxyClient: frontProxyClient,
            serviceAccountKey: try serviceAccountKey(), kubeconfigs: kubeconfigs, changed: changed)
    }

    private func authority(_ name: String, commonName: String, _ now: Whole) throws -> CertificateAuthority {
        if let old = try pair(name) {
            do { return try CertificateAuthority(old) } catch {
                throw PKIError("\(pki)/\(name).crt cannot be used; restore it, or remove \(pki) to begin anew", cause: error)
            }
        }
        let new = try CertificateAuthority.create(commonName: commonName, now: now)
        try write(new.pair, name)
        return new
    }

    private func serviceAccountKey() throws -> ServiceAccountKey {
        let path = "\(pki)/sa.key"
        if let pem = try Files.textIfThere(path) {
            do { return try ServiceAccountKey(privateKeyPEM: pem) } catch { throw PKIError("\(path) cannot be used", cause: error) }
        }
        let new = ServiceAccountKey()
        try Files.replace(path, Array(new.privateKeyPEM.utf8), mode: 0o600)
        try Files.replace("\(pki)/sa.pub", Array(new.publicKeyPEM.utf8), mode: 0o644)
        return new
    }

    private func pair(_ name: String) throws -> KeyPair? {
        guard let certificate = try Files.textIfThere("\(pki)/\(name).crt"), let key = try Files.textIfThere("\(pki)/\(name).key") else {
            return nil
        }
        return KeyPair(certificatePEM: certificate, privateKeyPEM: key)
    }

    private func write(_ pair: KeyPair, _ name: String) throws {
        try Files.replace("\(pki)/\(name).key", Array(pair.privateKeyPEM.utf8), mode: 0o600)
        try Files.replace("\(pki)/\(name).crt", Array(pair.certificatePEM.utf8), mode: 0o644)
    }
}
