import APIModel
import HTTPServer
import HTTPTypes

/// What a request is about, read from its method and path alone, as authorization, metrics and routing see it: what is authorized is what is
/// served. A path that could be understood in two ways is understood in none.
struct RequestInfo: Sendable, Hashable {
    /// Whether the path names a resource of the API, `false` for `/healthz`, discovery and the like.
    var isResource = false
    /// Percent-decoded, without what a proxy is asked for.
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
    /// The path that a proxy asks for, without a leading slash and still percent-encoded.
    var rest = ""
    /// Whether `name` comes from the path, not from a field selector.
    var isNamed = false
    /// What a list, a watch or a deletion of many is narrowed to; empty where the text is none, which is refused later.
    var fieldSelector = FieldSelector()
    /// The same by labels, as it was given.
    var labelSelector = ""

    private static let namespaceSubresources: Set = ["status", "finalize"]
    /// OPTIONS is for what stands behind a proxy alone.
    private static let verbs = [
        "GET": "get", "HEAD": "get", "OPTIONS": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete",
    ]

    /// What nothing is known of.
    init() {}

    /// - Throws: 400 for a path that is malformed, 404 for one that leads nowhere, 405 for a method that is none of the API's.
    init(_ request: Request) throws(APIError) {
        var segments = try PathSegments(request.path)
        guard let method = Self.verbs[request.method.rawValue] ?? (request.method == .trace ? "trace" : nil) else {
            throw APIError.methodNotAllowed
        }
        try read(&segments, request, method)
        if segments.isProxied {
            rest = segments.takeRest()
            path = segments.path
            return
        }
        guard !isResource || request.method != .options && request.method != .trace else { throw APIError.methodNotAllowed }
        // What stands behind a resource or its subresource is nothing, not a part of it.
        while try segments.next() != nil { guard !isResource else { throw .unknownResource } }
        path = segments.path
    }

    private mutating func read(_ segments: inout PathSegments, _ request: Request, _ method: String) throws(APIError) {
        verb = request.method.rawValue.lowercased()
        switch try segments.next() {
        case "api":
            guard let version = try segments.next() else { return }
            self.version = version
        case "apis":
            guard let group = try segments.next(), let version = try segments.next() else { return }
            self.group = group
            self.version = version
        default: return
        }
        guard var first = try segments.next() else { return }
        isResource = true
        verb = method
        if first == "watch", let second = try segments.next() {
            // The older way to ask for a watch.
            guard method == "get" else { throw APIError.methodNotAllowed }
            verb = "watch"
            first = second
        }
        try readResource(first, &segments)
        if name.isEmpty { try readCollectionVerb(request) }
    }

    private mutating func readResource(_ first: String, _ segments: inout PathSegments) throws(APIError) {
        resource = first
        if first == "namespaces", let namespace = try segments.next() {
            self.namespace = namespace
            // `namespaces/x`, `namespaces/x/status` and `namespaces/x/finalize` are the namespace itself, anything longer is in it.
            guard let inside = try segments.next() else {
                name = namespace
                isNamed = true
                return
            }
            if segments.isAtEnd, Self.namespaceSubresources.contains(inside) {
                name = namespace
                isNamed = true
                subresource = inside
                return
            }
            resource = inside
        }
        if let name = try segments.next() {
            self.name = name
            isNamed = true
        }
        subresource = try segments.next() ?? ""
        if subresource == "proxy" { segments.isProxied = true }
    }

    private mutating func readCollectionVerb(_ request: Request) throws(APIError) {
        if verb == "get" {
            verb = try request.single("watch").map(QueryFlag.isSet) ?? false ? "watch" : "list"
        } else if verb == "delete" {
            verb = "deletecollection"
        }
        guard verb == "list" || verb == "watch" || verb == "deletecollection" else { return }
        // Of two, nobody could say which counts.
        labelSelector = try request.single("labelSelector") ?? ""
        guard let text = try request.single("fieldSelector"), let selector = try? FieldSelector(parsing: text) else { return }
        fieldSelector = selector
        // A list of the one object that `metadata.name=x` selects is authorized by its name.
        guard verb != "deletecollection", let selected = selector.required("metadata.name"), PathSegments.isName(selected) else { return }
        name = selected
    }

    static func percentDecoded(_ text: Substring) -> String { PathSegments.decode(text.utf8) ?? String(text) }
}

/// The flags of a query, as upstream reads them: whatever is said but `false` and `0` is true.
enum QueryFlag {
    static func isSet(_ text: String) -> Bool { text != "0" && text.lowercased() != "false" }
}

extension Request {
    /// The one value of a parameter that decides what is authorized.
    /// - Throws: 400 when there are several.
    fileprivate func single(_ name: String) throws(APIError) -> String? {
        let values = query.lazy.filter { $0.name == name }.map(\.value)
        guard let value = values.first else { return nil }
        guard values.dropFirst().isEmpty else { throw .badRequest("query parameter \(name) is given more than once") }
        return value
    }
}
