public import APIModel

extension APIError {
    /// What an answer that is not a good one says: the `Status` in its body, or what its code stands for.
    public init(answer body: [UInt8], code: Int, phrase: String) {
        if let status = try? JSON.decode(body), status["kind"].string == "Status" {
            self.init(status: status, code: code)
        } else {
            let text = String(decoding: body.prefix(1_000), as: UTF8.self)
            self.init(
                code: code, reason: Self.reasons[code] ?? .unknown, message: text.isEmpty ? "the server answered \(code) \(phrase)" : text)
        }
    }

    private static let reasons: [Int: Reason] = [
        400: .badRequest, 401: .unauthorized, 403: .forbidden, 404: .notFound, 405: .methodNotAllowed, 409: .conflict, 410: .gone,
        429: .tooManyRequests, 500: .internalError, 503: .serviceUnavailable, 504: .timeout,
    ]
}
