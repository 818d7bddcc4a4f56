import HTTPServer
import HTTPTypes
public import PKI

/// Believes what a proxy in front says of users, in headers, when it shows a certificate of its own CA.
public struct RequestHeaders: Sendable {
    private let certificates: ClientCertificateVerifier
    /// Whose certificates are believed by their common name; empty for all of the CA.
    public var allowedNames: Set<String> = []
    public var userHeaders = ["X-Remote-User"]
    public var uidHeaders = ["X-Remote-Uid"]
    public var groupHeaders = ["X-Remote-Group"]
    public var extraPrefixes = ["X-Remote-Extra-"]

    public init(_ certificates: ClientCertificateVerifier) { self.certificates = certificates }

    /// The user that the headers tell of; `nil` where no such proxy speaks or it tells of none.
    func user(of request: Request) async -> UserInfo? {
        guard !request.peerCertificates.isEmpty, let name = first(userHeaders, request), !name.isEmpty,
            let proxy = try? await certificates.verify(request.peerCertificates),
            allowedNames.isEmpty || allowedNames.contains(proxy.user)
        else { return nil }
        var user = UserInfo(name: name, uid: first(uidHeaders, request) ?? "")
        for header in groupHeaders { user.groups += HTTPField.Name(header).map { request.headers[values: $0] } ?? [] }
        for prefix in extraPrefixes.map({ $0.lowercased() }) {
            for field in request.headers where field.name.canonicalName.hasPrefix(prefix) {
                let key = RequestInfo.percentDecoded(field.name.canonicalName.dropFirst(prefix.count))
                if !key.isEmpty { user.extra[key, default: []].append(field.value) }
            }
        }
        return user
    }

    private func first(_ headers: [String], _ request: Request) -> String? {
        for header in headers {
            if let value = HTTPField.Name(header).flatMap({ request.header($0) }), !value.isEmpty { return value }
        }
        return nil
    }
}
