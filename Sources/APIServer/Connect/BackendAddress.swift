/// Where a proxied request goes.
public struct BackendAddress: Sendable, Hashable {
    public enum Trust: Sendable, Hashable {
        case plain
        /// TLS to a kubelet, with this server's client certificate.
        case kubelet
        /// TLS to a pod or service, whose certificate nobody here can check.
        case unverified
    }
    public var host: String
    public var port: Int
    public var trust: Trust

    /// As in a URL.
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}
