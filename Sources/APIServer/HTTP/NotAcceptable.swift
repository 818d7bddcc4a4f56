import APIModel

extension APIError {
    static let methodNotAllowed = APIError(
        code: 405, reason: .methodNotAllowed, message: "the server does not allow this method on the requested resource",
        details: .emptyObject)
}

/// Refusals of what a client accepts.
enum NotAcceptable {
    static func error(_ message: String, details: Value = .null) -> APIError {
        APIError(code: 406, reason: .notAcceptable, message: message, details: details)
    }

    static func only(_ mediaTypes: [String]) -> APIError {
        error("only the following media types are accepted: \(mediaTypes.joined(separator: ", "))")
    }
}
