import APIModel

/// What a webhook answered with a status that is none of success, in the words that clients of the API have for it.
struct WebhookRefusal: Error, CustomStringConvertible {
    private static let words = [
        400: "the server rejected our request for an unknown reason",
        401: "the server has asked for the client to provide credentials",
        404: "the server could not find the requested resource",
        405: "the server does not allow this method on the requested resource",
        409: "the server reported a conflict",
        422: "the server rejected our request due to an error in our request",
        429: "the server has received too many requests and has asked us to try again later",
        504: "the server was unable to return a response in the time allotted, but may still be processing the request",
    ]
    /// Of which what the server says is told.
    private static let told: Set = [403, 406, 415, 503]

    let description: String

    /// - Parameter isText: whether the body is said to be for people.
    init(status: Int, body: [UInt8], isText: Bool) {
        if let answer = try? JSON.decode(body), answer["kind"].string == "Status", let message = answer["message"].string {
            description = message
            return
        }
        let said = isText ? String(decoding: body.prefix(2048), as: UTF8.self).trimmed : "unknown"
        if let words = Self.words[status] {
            description = words
        } else if Self.told.contains(status) {
            description = said
        } else if status >= 500 {
            description = "an error on the server (\(FieldError.quoted(said))) has prevented the request from succeeding"
        } else {
            description = "the server responded with the status code \(status) but did not return more information"
        }
    }
}
