/// A refusal by the API, as it travels: the HTTP code, the machine-readable reason and the sentence for people of a Kubernetes `Status`.
///
/// Reasons and codes: apimachinery `meta/v1` StatusReason.
public struct APIError: Error, Sendable, Equatable, CustomStringConvertible {
    public var code: Int
    public var reason: Reason
    public var message: String
    /// The `details` of the Status: `{name, group, kind, uid, causes, retryAfterSeconds}`, or `.null`.
    public var details: Value
    /// The `metadata` of the Status: a list's.
    public var metadata = Value.emptyObject

    public init(code: Int, reason: Reason, message: String, details: Value = .null) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    public struct Reason: Hashable, Sendable, RawRepresentable, CustomStringConvertible {
        public var rawValue: String
        public init(rawValue: String) { self.rawValue = rawValue }
        public var description: String { rawValue }

        public static let unauthorized = Reason(rawValue: "Unauthorized")
        public static let forbidden = Reason(rawValue: "Forbidden")
        public static let notFound = Reason(rawValue: "NotFound")
        public static let alreadyExists = Reason(rawValue: "AlreadyExists")
        public static let conflict = Reason(rawValue: "Conflict")
        public static let gone = Reason(rawValue: "Gone")
        public static let expired = Reason(rawValue: "Expired")
        public static let invalid = Reason(rawValue: "Invalid")
        public static let badRequest = Reason(rawValue: "BadRequest")
        public static let methodNotAllowed = Reason(rawValue: "MethodNotAllowed")
        public static let notAcceptable = Reason(rawValue: "NotAcceptable")
        public static let unsupportedMediaType = Reason(rawValue: "UnsupportedMediaType")
        public static let requestEntityTooLarge = Reason(rawValue: "RequestEntityTooLarge")
        public static let tooManyRequests = Reason(rawValue: "TooManyRequests")
        public static let serverTimeout = Reason(rawValue: "ServerTimeout")
        public static let timeout = Reason(rawValue: "Timeout")
        public static let serviceUnavailable = Reason(rawValue: "ServiceUnavailable")
        public static let internalError = Reason(rawValue: "InternalError")
        public static let unknown = Reason(rawValue: "")
    }

    public var description: String { message }

    /// The `Status` object to answer with.
    public var status: Value {
        [
            "kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": "Failure", "message": .string(message),
            "reason": reason.rawValue.isEmpty ? .null : .string(reason.rawValue), "details": details, "code": .int(Int64(code)),
        ]
    }

    /// Reads a `Status` with `status: Failure`; `code` is the HTTP code to fall back to.
    public init(status: Value, code: Int) {
        let told = status["code"].int.map(Int.init) ?? code
        self.init(
            code: (100...599).contains(told) ? told : code, reason: Reason(rawValue: status["reason"].string ?? ""),
            message: status["message"].string ?? "HTTP status \(code)",
            details: status["details"])
        if !status["metadata"].isNull { metadata = status["metadata"] }
    }

    /// `pods "web-1" not found`. `resource` is the plural with its group: `deployments.apps`.
    public static func notFound(_ resource: String, _ name: String) -> APIError {
        APIError(code: 404, reason: .notFound, message: "\(resource) \"\(name)\" not found", details: details(resource, name))
    }

    public static func alreadyExists(_ resource: String, _ name: String) -> APIError {
        APIError(code: 409, reason: .alreadyExists, message: "\(resource) \"\(name)\" already exists", details: details(resource, name))
    }

    public static func conflict(_ resource: String, _ name: String, _ why: String) -> APIError {
        APIError(
            code: 409, reason: .conflict, message: "Operation cannot be fulfilled on \(resource) \"\(name)\": \(why)",
            details: details(resource, name))
    }

    /// `name` is empty for a list or a create.
    public static func forbidden(_ resource: String, _ name: String, _ why: String) -> APIError {
        let subject = name.isEmpty ? resource : "\(resource) \"\(name)\""
        return APIError(code: 403, reason: .forbidden, message: "\(subject) is forbidden: \(why)", details: details(resource, name))
    }

    public static func badRequest(_ message: String) -> APIError { APIError(code: 400, reason: .badRequest, message: message) }
    public static func internalError(_ message: String) -> APIError {
        APIError(
            code: 500, reason: .internalError, message: "Internal error occurred: \(message)",
            details: ["causes": [["message": .string(message)]]])
    }

    private static func details(_ resource: String, _ name: String) -> Value {
        let parts = resource.split(separator: ".", maxSplits: 1).map(String.init)
        return [
            "name": name.isEmpty ? .null : .string(name), "group": parts.count > 1 ? .string(parts[1]) : .null,
            "kind": .string(parts.first ?? ""),
        ]
    }
}
