import APIModel
import HTTPServer
import HTTPTypes

/// Answers in the forms that come up everywhere.
enum Responses {
    static func json(_ value: Value, code: Int = 200) -> Response { bytes(JSON.encode(value), type: "application/json", code: code) }
    static func text(_ text: String, code: Int = 200) -> Response { bytes(Array(text.utf8), type: "text/plain; charset=utf-8", code: code) }

    static func bytes(_ bytes: [UInt8], type: String, code: Int = 200) -> Response {
        .full(
            status: .init(code: code), headers: [.contentType: type, .cacheControl: "no-cache, private"], body: [bytes])
    }

    /// A refusal as JSON.
    static func error(_ error: APIError) -> Response { self.error(error, JSON.encode(error.status), .json) }

    /// A refusal in the encoding that the client wanted its answer in.
    static func error(_ error: APIError, to request: Request, _ catalogue: Catalogue) -> Response {
        let codec = Presentation.codecOfErrors(Accept(request.header(.accept)))
        switch codec {
        case .json:
            return self.error(error, Presentation.isPretty(request) ? JSON.encodePretty(error.status) : JSON.encode(error.status), codec)
        case .yaml: return self.error(error, YAML.bytes(error.status), codec)
        case .protobuf:
            guard let bytes = try? Protobuf.encodeUnknown(error.status, catalogue: catalogue) else { return self.error(error) }
            return self.error(error, bytes, codec)
        }
    }

    /// What upstream's multiplexer says of a path that it does not know.
    static let pageNotFound = text("404 page not found\n", code: 404)

    private static func error(_ error: APIError, _ body: [UInt8], _ codec: Codec) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = codec.contentType
        headers[.cacheControl] = "no-cache, private"
        if error.code == 401 { headers[.wwwAuthenticate] = "Bearer" }
        if let seconds = error.details["retryAfterSeconds"].int { headers[.retryAfter] = String(seconds) }
        return .full(status: .init(code: error.code), headers: headers, body: [body])
    }

    /// What any error means to a client.
    static func apiError(_ error: any Error) -> APIError {
        switch error {
        case let error as APIError: error
        case let error as WarnedError: error.error
        case is CancellationError: APIError(code: 499, reason: .timeout, message: "the client went away")
        default: .internalError("\(error)")
        }
    }

    /// Each warning as a `Warning` header of code 299. Many or long ones are cut, as upstream cuts them: clients bound what they take in
    /// headers.
    static func withWarnings(_ warnings: [String], _ response: Response) -> Response {
        guard !warnings.isEmpty, case .full(let status, var headers, let body) = response, let name = HTTPField.Name("Warning") else {
            return response
        }
        for warning in cut(warnings) {
            let plain = String(String.UnicodeScalarView(warning.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7f ? " " : $0 }))
            let quoted = plain.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
            headers.append(HTTPField(name: name, value: "299 - \"\(quoted)\""))
        }
        return .full(status: status, headers: headers, body: body)
    }

    private static let warningsLength = 4096
    private static let cutWarningLength = 256

    /// All of them as they are, or as many as fit with each cut short.
    static func cut(_ warnings: [String]) -> [String] {
        if warnings.reduce(0, { $0 + $1.unicodeScalars.count }) <= warningsLength { return warnings }
        var length = 0
        var kept: [String] = []
        for warning in warnings {
            let cut = String(warning.unicodeScalars.prefix(cutWarningLength))
            kept.append(cut)
            length += cut.unicodeScalars.count
            if length >= warningsLength { break }
        }
        return kept
    }
}

extension Response {
    /// With these headers besides its own.
    func adding(_ fields: [HTTPField]) -> Response {
        guard !fields.isEmpty else { return self }
        func headed(_ headers: HTTPFields) -> HTTPFields {
            var headers = headers
            for field in fields { headers.append(field) }
            return headers
        }
        return switch self {
        case .full(let status, let headers, let body): .full(status: status, headers: headed(headers), body: body)
        case .stream(let status, let headers, let write): .stream(status: status, headers: headed(headers), write: write)
        case .upgrade(let headers, let run): .upgrade(headers: headed(headers), run: run)
        }
    }

    /// Bytes of a body that is at hand.
    var size: Int? {
        guard case .full(_, _, let body) = self else { return nil }
        return body.reduce(0) { $0 + $1.count }
    }

    /// The status code, for metrics.
    var code: Int {
        switch self {
        case .full(let status, _, _), .stream(let status, _, _): status.code
        case .upgrade: 101
        }
    }
}
