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
            throw APIError.badRequest("strconv.ParseInt: parsing \(FieldError.quoted(text)): invalid syntax")
        }
        return number
    }

    /// What options contradict each other.
    func check(isWatch: Bool) throws {
        let problems = isWatch ? watchProblems : listProblems
        guard problems.isEmpty else { throw APIError.invalid(group: "meta.k8s.io", kind: "ListOptions", name: "", errors: problems) }
    }

    private static let matchField: FieldPath = "resourceVersionMatch"

    private var listProblems: [FieldError] {
        var errors: [FieldError] = []
        func forbid(_ message: String) { errors.append(.forbidden(Self.matchField, "resourceVersionMatch \(message)")) }
        if !resourceVersionMatch.isEmpty {
            if resourceVersion.isEmpty { forbid("is forbidden unless resourceVersion is provided") }
            if !continueToken.isEmpty { forbid("is forbidden when continue is provided") }
            if !["Exact", "NotOlderThan"].contains(resourceVersionMatch) {
                errors.append(.notSupported(Self.matchField, .string(resourceVersionMatch), ["Exact", "NotOlderThan", ""]))
            }
            if resourceVersionMatch == "Exact", resourceVersion == "0" { forbid("\"exact\" is forbidden for resourceVersion \"0\"") }
        }
        if sendsInitialEvents != nil { errors.append(.forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list")) }
        return errors
    }

    private var watchProblems: [FieldError] {
        var errors: [FieldError] = []
        func forbid(_ message: String) { errors.append(.forbidden(Self.matchField, message)) }
        if sendsInitialEvents != nil, resourceVersionMatch != "NotOlderThan" {
            forbid("sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")
        }
        guard !resourceVersionMatch.isEmpty else { return errors }
        if sendsInitialEvents == nil { forbid("resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided") }
        if resourceVersionMatch != "NotOlderThan" {
            errors.append(.notSupported(Self.matchField, .string(resourceVersionMatch), ["NotOlderThan"]))
        }
        if !continueToken.isEmpty { forbid("resourceVersionMatch is forbidden when continue is provided") }
        return errors
    }

    /// The version asked for, `nil` for the newest.
    func version() throws -> UInt64? { try Self.version(resourceVersion) }

    /// - Parameter text: a `resourceVersion` of a query.
    static func version(_ text: String) throws -> UInt64? {
        guard !text.isEmpty else { return nil }
        guard let version = UInt64(text) else {
            let shown = FieldError.quoted(text)
            throw APIError.badRequest(
                "invalid resource version: resourceVersion: Invalid value: \(shown): strconv.ParseUint: parsing \(shown): invalid syntax")
        }
        return version
    }
}

/// Where a list in pages goes on: the revision it is of, and the last key it gave.
struct ContinueToken {
    /// `nil` for the newest there is, after what was listed so far has been compacted.
    var revision: UInt64?
    var after: String

    var text: String {
        let value: Value = ["v": "meta.k8s.io/v1", "rv": revision.map { Value($0) } ?? -1, "start": .string(after)]
        // The alphabet for URLs, without padding: a token travels in a query.
        return Base64.encode(JSON.encode(value)).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    init(revision: UInt64?, after: String) {
        self.revision = revision
        self.after = after
    }

    /// As long as a token of the longest key comes to, and more.
    private static let longest = 4096

    init(_ text: String) throws {
        guard text.utf8.count <= Self.longest else { throw Self.invalid("") }
        let padding = String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
        guard let bytes = Base64.decode(text.replacing("-", with: "+").replacing("_", with: "/") + padding) else {
            let known = text.utf8.prefix { Names.isOfURLAlphabet($0) }.count
            // Of a text that only ends too early, the character that stands alone is to blame.
            let good = known == text.utf8.count ? max(known - 1, 0) : known
            throw Self.invalid(": illegal base64 data at input byte \(good)")
        }
        let value: Value
        do {
            value = try JSON.decode(bytes)
        } catch {
            throw Self.invalid(": \(error)")
        }
        let version = value["v"].string ?? ""
        guard version == "meta.k8s.io/v1" else {
            throw Self.invalid(": server does not recognize this encoded version \(version)")
        }
        guard let revision = value["rv"].int, revision != 0 else {
            throw Self.invalid(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)")
        }
        guard let after = value["start"].string, !after.isEmpty else {
            throw Self.invalid(": encoded start key empty (version meta.k8s.io/v1)")
        }
        guard
            (after.hasPrefix("/") ? after.dropFirst() : after[...]).split(separator: "/", omittingEmptySubsequences: false)
                .allSatisfy({ !["", ".", ".."].contains($0) })
        else { throw Self.invalid(": \(after)") }
        self.revision = revision > 0 ? UInt64(revision) : nil
        self.after = after
    }

    private static func invalid(_ why: String) -> APIError { .badRequest("invalid continue token: continue key is not valid\(why)") }
}
