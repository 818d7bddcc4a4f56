import HTTPServer

/// Where a proxied request goes.
struct BackendAddress: Sendable {
    enum Trust: Sendable {
        case plain
        /// TLS to a server that somebody vouched for.
        case given(Dialer.TLS)
        /// TLS to a kubelet, with this server's client certificate.
        case kubelet
        /// TLS to a pod or service, whose certificate nobody here can check.
        case unverified
    }
    var host: String
    var port: Int
    var trust: Trust
    /// Whether it may be this machine or its link. Where a user has a say in the host it may not: what listens there trusts its neighbours.
    var mayBeLocal = false

    /// As in a URL.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
