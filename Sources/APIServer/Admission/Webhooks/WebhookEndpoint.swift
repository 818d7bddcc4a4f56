import APIModel

/// Where a webhook answers, as a `clientConfig` says, and how long it is waited for.
struct WebhookEndpoint: Sendable {
    enum Place: Sendable {
        case url(String)
        case service(namespace: String, name: String, port: Whole, path: String)
    }

    let place: Place
    /// PEM; empty for the system's roots.
    let authorities: String
    let timeout: Whole

    init(_ clientConfig: Value, timeout: Whole) {
        let service = clientConfig["service"]
        place =
            service.isNull
            ? .url(clientConfig["url"].string ?? "")
            : .service(
                namespace: service["namespace"].string ?? "", name: service["name"].string ?? "", port: service["port"].int ?? 443,
                path: service["path"].string ?? "/")
        authorities =
            clientConfig["caBundle"].string.flatMap(Base64.decode).map { String(decoding: $0, as: UTF8.self).trimmingWhitespace } ?? ""
        self.timeout = timeout
    }
}
