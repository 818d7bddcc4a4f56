import APIModel

/// The path and query of a request to the API.
struct Path {
    private(set) var text: String
    private var hasQuery = false

    init(_ resource: GroupVersionResource, _ namespace: String?, _ name: String?, _ subresource: String?) {
        text = resource.group.isEmpty ? "/api/\(resource.version)" : "/apis/\(resource.group)/\(resource.version)"
        if let namespace, !namespace.isEmpty { text += "/namespaces/\(Self.escape(namespace))" }
        text += "/\(resource.resource)"
        if let name { text += "/\(Self.escape(name))" }
        if let subresource { text += "/\(subresource)" }
    }

    /// A parameter; nothing when the value is empty.
    mutating func add(_ parameter: String, _ value: String) {
        guard !value.isEmpty else { return }
        text += "\(hasQuery ? "&" : "?")\(parameter)=\(Self.escape(value))"
        hasQuery = true
    }

    /// Where a write goes, with how it is to be taken.
    init(_ resource: GroupVersionResource, _ namespace: String?, _ name: String?, _ subresource: String?, _ options: WriteOptions) {
        self.init(resource, namespace, name, subresource)
        add("fieldManager", options.fieldManager)
        if let force = options.force { add("force", force ? "true" : "false") }
        if options.isDryRun { add("dryRun", "All") }
        add("fieldValidation", options.fieldValidation.rawValue)
    }

    mutating func add(_ options: ListOptions) {
        add("labelSelector", options.labelSelector)
        add("fieldSelector", options.fieldSelector)
        add("resourceVersion", options.resourceVersion)
        add("limit", options.limit.map(String.init) ?? "")
        add("continue", options.continueToken)
    }

    /// Percent-encodes all but the unreserved characters of RFC 3986.
    private static func escape(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default: escaped += (byte < 16 ? "%0" : "%") + String(byte, radix: 16, uppercase: true)
            }
        }
        return escaped
    }
}
