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

    /// Upstream's router looks at what is accepted before anybody else, and only at names as they are spelled: whoever accepts none of
    /// what a path produces is turned away, whatever the parameters say.
    static func route(_ accept: String?, produces mediaTypes: [String]) throws {
        guard let accept, !accept.trimmed.isEmpty else { return }
        let names = accept.split(separator: ",").map { ($0.split(separator: ";", omittingEmptySubsequences: false).first ?? "").trimmed }
        guard !names.contains(where: { $0 == "*/*" || mediaTypes.contains($0) }) else { return }
        throw error(
            "406: Not Acceptable\n\nAvailable representations: \(mediaTypes.joined(separator: ", "))", details: .emptyObject)
    }
}
