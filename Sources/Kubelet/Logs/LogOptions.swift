import APIModel

/// What of a log is wanted: core v1 PodLogOptions.
struct LogOptions: Equatable, Sendable {
    var follow = false
    var previous = false
    var timestamps = false
    /// The last lines only; `nil` for all.
    var tailLines: Int?
    /// Nanoseconds since 1970; nothing older.
    var since: Whole?
    var limitBytes: Int?
    /// `nil` for both.
    var stream: LogLine.Stream?

    init() {}

    /// From a request's query. Throws `APIError` for values that make no sense, in upstream's words.
    init(_ query: [(name: String, value: String)], now: Whole) throws {
        for (name, value) in query where !value.isEmpty {
            switch name {
            case "follow": follow = try Self.flag(name, value)
            case "previous": previous = try Self.flag(name, value)
            case "timestamps": timestamps = try Self.flag(name, value)
            case "tailLines": tailLines = try Self.number(name, value, least: 0, "must be greater than or equal to 0")
            case "limitBytes": limitBytes = try Self.number(name, value, least: 1, "must be greater than 0")
            case "sinceSeconds":
                guard since == nil else { throw APIError.badRequest("at most one of `sinceTime` or `sinceSeconds` may be specified") }
                since = now - Whole(try Self.number(name, value, least: 1, "must be greater than 0")) * 1_000_000_000
            case "sinceTime":
                guard since == nil else { throw APIError.badRequest("at most one of `sinceTime` or `sinceSeconds` may be specified") }
                guard let time = LogTime.parse(value) else {
                    throw APIError.badRequest("invalid sinceTime \"\(value)\": must be an RFC 3339 time")
                }
                since = time
            case "stream":
                switch value {
                case "All": break
                case "Stdout": stream = .stdout
                case "Stderr": stream = .stderr
                default: throw APIError.badRequest("invalid stream \"\(value)\": supported values: \"All\", \"Stdout\", \"Stderr\"")
                }
            default: break
            }
        }
    }

    private static func flag(_ name: String, _ value: String) throws -> Bool {
        switch value.lowercased() {
        case "true", "1", "t": true
        case "false", "0", "f": false
        default: throw APIError.badRequest("invalid \(name) \"\(value)\": must be true or false")
        }
    }

    private static func number(_ name: String, _ value: String, least: Int, _ rule: String) throws -> Int {
        guard let number = Int(value) else { throw APIError.badRequest("invalid \(name) \"\(value)\": must be an integer") }
        guard number >= least else {
            throw APIError(
                code: 422, reason: .invalid, message: "PodLogOptions \"\" is invalid: \(name): Invalid value: \(number): \(rule)")
        }
        return number
    }
}
