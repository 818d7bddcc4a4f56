import APIModel
import HTTPServer

/// A group and version that another server answers for, as an APIService says.
struct AggregatedService: Sendable, Equatable {
    /// `v1.metrics.k8s.io`
    var name: String
    var uid: String
    var version: GroupVersion
    var namespace: String
    var service: String
    var port: String
    /// Whom to believe, in PEM; empty for the system's roots.
    var caBundle: String
    var skipsVerification: Bool
    var groupPriority: Int64
    var versionPriority: Int64

    /// `nil` for an APIService that this server answers for itself.
    init?(_ object: Value) {
        let spec = object["spec"]
        guard case .object = spec["service"] else { return nil }
        name = object[path: "metadata", "name"].string ?? ""
        uid = object[path: "metadata", "uid"].string ?? ""
        version = GroupVersion(group: spec["group"].string ?? "", version: spec["version"].string ?? "")
        namespace = spec[path: "service", "namespace"].string ?? ""
        service = spec[path: "service", "name"].string ?? ""
        port = String(spec[path: "service", "port"].int ?? 443)
        caBundle = String(decoding: Base64.decode(spec["caBundle"].string ?? "") ?? [], as: UTF8.self)
        skipsVerification = spec["insecureSkipTLSVerify"].bool ?? false
        groupPriority = (spec["groupPriorityMinimum"].int ?? 0).int64
        versionPriority = (spec["versionPriority"].int ?? 0).int64
    }

    /// How its server is trusted, and what it is shown.
    func tls(_ frontProxy: Dialer.TLS?) -> Dialer.TLS {
        Dialer.TLS(
            caPEM: caBundle.isEmpty ? nil : caBundle, certificateChainPEM: frontProxy?.certificateChainPEM,
            privateKeyPEM: frontProxy?.privateKeyPEM, serverName: "\(service).\(namespace).svc", trustsAnyone: skipsVerification)
    }

    /// `/apis/metrics.k8s.io/v1`
    var path: String { "/apis/\(version.group)/\(version.version)" }
}

/// What an aggregated server says of itself.
struct AggregatedDocuments: Sendable, Equatable {
    /// One entry of `versions` of an `APIGroupDiscovery`.
    var discovery: Value
    /// What names its OpenAPI 3.0 document's content; empty where it has none.
    var openAPIHash: String
    /// Its OpenAPI 2.0 document; null where it has none.
    var openAPI: Value
}
