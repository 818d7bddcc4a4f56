/// The parts of `https://host[:port][/path]`.
public struct WebhookURL: Sendable {
    public var scheme: String
    public var host: String
    public var port: Int?
    /// `host[:port]`, as given.
    public var authority: String
    /// At least a slash.
    public var path: String
    public var hasUser: Bool
    public var query: String
    public var fragment: String

    /// `nil` for what is no URL at all.
    public init?(_ text: String) {
        guard !text.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else { return nil }
        var rest = Substring(text)
        func cut(_ mark: Character) -> String {
            guard let index = rest.firstIndex(of: mark) else { return "" }
            defer { rest = rest[..<index] }
            return String(rest[rest.index(after: index)...])
        }
        fragment = cut("#")
        query = cut("?")
        guard let colon = rest.firstRange(of: "://") else { return nil }
        scheme = String(rest[..<colon.lowerBound])
        rest = rest[colon.upperBound...]
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        path = slash == rest.endIndex ? "/" : String(rest[slash...])
        var place = rest[..<slash]
        hasUser = place.contains("@")
        if let at = place.lastIndex(of: "@") { place = place[place.index(after: at)...] }
        authority = String(place)
        if place.hasPrefix("[") {
            guard let end = place.firstIndex(of: "]") else { return nil }
            host = String(place[place.index(after: place.startIndex)..<end])
            place = place[place.index(after: end)...]
        } else {
            let end = place.firstIndex(of: ":") ?? place.endIndex
            host = String(place[..<end])
            place = place[end...]
        }
        if place.isEmpty { return }
        guard place.hasPrefix(":"), let number = UInt16(place.dropFirst()) else { return nil }
        port = Int(number)
    }
}
