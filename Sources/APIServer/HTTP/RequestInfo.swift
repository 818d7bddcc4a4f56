import HTTPServer
import HTTPTypes

/// What a request is about, read from its method and path alone, as authorization, metrics and routing see it.
struct RequestInfo: Sendable, Hashable {
    /// Whether the path names a resource of the API, `false` for `/healthz`, discovery and the like.
    var isResource = false
    /// Percent-decoded.
    var path = ""
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; the method in lower case when this is no
    /// resource.
    var verb = ""
    var group = ""
    var version = ""
    var resource = ""
    var subresource = ""
    /// Empty for all namespaces and for cluster-scoped resources.
    var namespace = ""
    var name = ""
    /// What follows the subresource: the path that a proxy asks for, without a leading slash.
    var rest = ""
    /// Whether `name` comes from the path, not from a field selector.
    var isNamed = false

    init() {}

    init(_ request: Request) {
        let segments = request.path.split(separator: "/").map { Self.percentDecoded($0) }
        path = Self.percentDecoded(request.path[...])
        verb = request.method.rawValue.lowercased()
        var rest = segments[...]
        switch rest.popFirst() {
        case "api":
            guard let version = rest.popFirst() else { return }
            self.version = version
        case "apis":
            guard let group = rest.popFirst(), let version = rest.popFirst() else { return }
            self.group = group
            self.version = version
        default: return
        }
        guard !rest.isEmpty else { return }
        isResource = true
        var watches = request.query("watch").map { $0 == "true" || $0 == "1" } ?? false
        if rest.first == "watch", rest.count > 1 {
            rest.removeFirst()
            watches = true
        }
        if rest.first == "namespaces", rest.count > 1 {
            let namespace = rest[rest.startIndex + 1]
            // `namespaces/x`, `namespaces/x/status` and `namespaces/x/finalize` are the namespace itself, anything longer is in it.
            if rest.count == 2 || (rest.count == 3 && Self.namespaceSubresources.contains(rest[rest.startIndex + 2])) {
                self.namespace = namespace
            } else {
                self.namespace = namespace
                rest = rest.dropFirst(2)
            }
        }
        resource = rest.popFirst() ?? ""
        if let name = rest.popFirst() {
            self.name = name
            isNamed = true
        }
        subresource = rest.popFirst() ?? ""
        self.rest = rest.joined(separator: "/")
        if !rest.isEmpty, request.path.hasSuffix("/") { self.rest += "/" }
        verb = Self.verbs[request.method.rawValue] ?? verb
        if name.isEmpty {
            if verb == "get" {
                verb = watches ? "watch" : "list"
                if let selected = Self.nameSelected(by: request.query("fieldSelector")) { name = selected }
            } else if verb == "delete" {
                verb = "deletecollection"
            }
        } else if verb == "get", watches {
            verb = "watch"
        }
    }

    private static let namespaceSubresources: Set = ["status", "finalize"]
    private static let verbs = ["GET": "get", "HEAD": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"]

    /// A list of the one object that `metadata.name=x` selects is authorized by its name.
    private static func nameSelected(by selector: String?) -> String? {
        guard let selector else { return nil }
        for requirement in selector.split(separator: ",") {
            for prefix in ["metadata.name==", "metadata.name="] where requirement.hasPrefix(prefix) {
                return String(requirement.dropFirst(prefix.count))
            }
        }
        return nil
    }

    static func percentDecoded(_ text: Substring) -> String {
        guard text.utf8.contains(UInt8(ascii: "%")) else { return String(text) }
        var bytes: [UInt8] = []
        var rest = Substring(text).utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(Substring(rest.prefix(2))), radix: 16), rest.count >= 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
