import APIModel

/// What a client asks of a list or watch.
struct ListQuery: Sendable {
    var labelSelector = ""
    var fieldSelector = ""
    var resourceVersion = ""
    var resourceVersionMatch = ""
    var limit: Int?
    var continueToken = ""
    /// Watches only.
    var allowsBookmarks = false
    var sendsInitialEvents: Bool?
    var timeoutSeconds: Whole?

    init() {}

    init(_ parameter: (String) -> String?) throws {
        labelSelector = parameter("labelSelector") ?? ""
        fieldSelector = parameter("fieldSelector") ?? ""
        resourceVersion = parameter("resourceVersion") ?? ""
        resourceVersionMatch = parameter("resourceVersionMatch") ?? ""
        limit = try Self.number("limit", parameter).flatMap { $0 > 0 ? Int($0) : nil }
        continueToken = parameter("continue") ?? ""
        allowsBookmarks = Self.flag(parameter("allowWatchBookmarks")) ?? false
        sendsInitialEvents = Self.flag(parameter("sendInitialEvents"))
        timeoutSeconds = try Self.number("timeoutSeconds", parameter)
    }

    private static func flag(_ text: String?) -> Bool? { text.map(QueryFlag.isSet) }

    private static func number(_ name: String, _ parameter: (String) -> String?) throws -> Whole? {
        guard let text = parameter(name), !text.isEmpty else { return nil }
        guard let number = Whole(text) else {
            throw APIError.badRequest("unable to parse query parameter \(name): strconv.ParseInt: parsing \"\(text)\": invalid syntax")
        }
        return number
    }

    /// The version asked for, `nil` for the newest.
    func version() throws -> UInt64? {
        guard !resourceVersion.isEmpty else { return nil }
        guard let version = UInt64(resourceVersion) else {
            throw APIError.badRequest(
                "invalid resource version \"\(resourceVersion)\": strconv.ParseUint: parsing \"\(resourceVersion)\": invalid syntax")
        }
        return version
    }
}

/// Where a list in pages goes on: the revision it is of, and the last key it gave.
struct ContinueToken {
    var revision: UInt64
    var after: String

    var text: String {
        let value: Value = ["v": "meta.k8s.io/v1", "rv": Value(revision), "start": .string(after)]
        // The alphabet for URLs, without padding: a token travels in a query.
        return Base64.encode(JSON.encode(value)).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    init(revision: UInt64, after: String) {
        self.revision = revision
        self.after = after
    }

    /// As long as a token of the longest key comes to, and more.
    private static let longest = 4096

    init(_ text: String) throws {
        guard text.utf8.count <= Self.longest else { throw APIError.badRequest("continue key is not valid") }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Base64.decode(text.replacing("-", with: "+").replacing("_", with: "/") + padding),
            let value = try? JSON.decode(bytes),
            value["v"].string == "meta.k8s.io/v1", let revision = value["rv"].int, revision >= 0,
            let after = value["start"].string
        else { throw APIError.badRequest("continue key is not valid") }
        self.revision = UInt64(revision)
        self.after = after
    }
}
