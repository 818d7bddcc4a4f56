/// Where a proxied request goes.
struct BackendAddress: Sendable, Hashable {
    enum Trust: Sendable, Hashable {
        case plain
        /// TLS to a kubelet, with this server's client certificate.
        case kubelet
        /// TLS to a pod or service, whose certificate nobody here can check.
        case unverified
    }
    var host: String
    var port: Int
    var trust: Trust

    /// As in a URL.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
