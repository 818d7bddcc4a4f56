internal import OrderedCollections

/// A URL as Go's `net/url` reads it.
struct URL: Sendable {
    struct ParseError: Error {
        var message: String
    }

    private(set) var scheme = ""
    private var opaque = ""
    private var user: String?
    private(set) var host = ""
    private var path = ""
    /// The path as it was written, where that is not how it would be escaped.
    private var rawPath = ""
    private var query: String?
    private var fragment = ""

    /// An absolute URI or an absolute path, as a request has it. A fragment is taken off.
    init(request text: String) throws(ParseError) {
        // As upstream: the whole must be good for a request, and is then read as a reference.
        _ = try URL(text, isRequest: true)
        let parts = text.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false)
        self = try URL(String(parts[0]), isRequest: false)
        if parts.count > 1 { fragment = try Escaping.unescape(String(parts[1]), .fragment, of: text) }
    }

    private init(_ text: String, isRequest: Bool) throws(ParseError) {
        func fail(_ problem: String) -> ParseError { ParseError(message: "parse \(GoQuote.quote(text)): \(problem)") }
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) { throw fail("net/url: invalid control character in URL") }
        if text.isEmpty, isRequest { throw fail("empty url") }
        if text == "*" {
            path = "*"
            return
        }
        var rest = text[...]
        let prefix = rest.utf8.prefix { Self.isSchemeByte($0) }
        if prefix.count < rest.utf8.count, rest.utf8[prefix.endIndex] == UInt8(ascii: ":") {
            if prefix.isEmpty { throw fail("missing protocol scheme") }
            if let first = prefix.first, Self.isLetter(first) {
                scheme = String(Substring(prefix)).lowercased()
                rest = rest[rest.utf8.index(after: prefix.endIndex)...]
            }
        }
        if let mark = rest.firstIndex(of: "?") {
            query = String(rest[rest.index(after: mark)...])
            rest = rest[..<mark]
        }
        if !rest.hasPrefix("/") {
            if !scheme.isEmpty {
                opaque = String(rest)
                return
            }
            if isRequest { throw fail("invalid URI for request") }
            if rest.prefix(while: { $0 != "/" }).contains(":") { throw fail("first path segment in URL cannot contain colon") }
        }
        if !scheme.isEmpty || (!isRequest && !rest.hasPrefix("///")), rest.hasPrefix("//") {
            let authority = rest.dropFirst(2).prefix { $0 != "/" }
            rest = rest.dropFirst(2 + authority.count)
            try setAuthority(String(authority), of: text)
        }
        path = try Escaping.unescape(String(rest), .path, of: text)
        rawPath = Escaping.escape(path) == rest ? "" : String(rest)
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) }
    private static func isSchemeByte(_ byte: UInt8) -> Bool {
        isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")
            || byte == UInt8(ascii: ".")
    }

    private mutating func setAuthority(_ authority: String, of text: String) throws(ParseError) {
        func fail(_ problem: String) -> ParseError { ParseError(message: "parse \(GoQuote.quote(text)): \(problem)") }
        var host = authority[...]
        if let at = authority.lastIndex(of: "@") {
            let user = authority[..<at]
            let isGood = user.utf8.allSatisfy { Escaping.isPlain($0) || "-._:~!$&'()*+,;=%@".utf8.contains($0) }
            guard isGood else { throw fail("net/url: invalid userinfo") }
            _ = try Escaping.unescape(String(user), .user, of: text)
            self.user = String(user)
            host = authority[authority.index(after: at)...]
        }
        if host.hasPrefix("[") {
            guard let end = host.lastIndex(of: "]") else { throw fail("missing ']' in host") }
            let port = host[host.index(after: end)...]
            guard Self.isPort(port) else { throw fail("invalid port \(GoQuote.quote(String(port))) after host") }
        } else if let colon = host.firstIndex(of: ":"), !Self.isPort(host[colon...]) {
            throw fail("invalid port \(GoQuote.quote(String(host[colon...]))) after host")
        }
        self.host = try Escaping.unescape(String(host), .host, of: text)
    }

    private static func isPort(_ text: Substring) -> Bool {
        text.isEmpty || (text.hasPrefix(":") && text.dropFirst().allSatisfy(\.isASCIIDigit))
    }

    // MARK: Parts

    private var hostAndPort: (host: Substring, port: Substring) {
        guard let colon = host.lastIndex(of: ":"), Self.isPort(host[colon...]) else { return (host[...], "") }
        return (host[..<colon], host[host.index(after: colon)...])
    }

    var port: String { String(hostAndPort.port) }
    var hostname: String {
        let host = hostAndPort.host
        return String(host.hasPrefix("[") && host.hasSuffix("]") ? host.dropFirst().dropLast() : host)
    }

    var escapedPath: String {
        if !rawPath.isEmpty, Escaping.isEncodedPath(rawPath) { return rawPath }
        return path == "*" ? "*" : Escaping.escape(path)
    }

    /// The values of each key of the query. A pair that is not well-formed is left out.
    var queryValues: OrderedDictionary<String, [String]> {
        var values: OrderedDictionary<String, [String]> = [:]
        for pair in (query ?? "").split(separator: "&") where !pair.contains(";") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard let key = try? Escaping.unescape(parts[0], .query, of: ""),
                let value = try? Escaping.unescape(parts.count > 1 ? parts[1] : "", .query, of: "")
            else { continue }
            values[key, default: []].append(value)
        }
        return values
    }

    /// The whole again.
    var text: String {
        var text = scheme.isEmpty ? "" : scheme + ":"
        if !opaque.isEmpty {
            text += opaque
        } else {
            if !host.isEmpty || user != nil { text += "//" + (user.map { $0 + "@" } ?? "") + host }
            text += escapedPath
        }
        if let query { text += "?" + query }
        return fragment.isEmpty ? text : "\(text)#\(fragment)"
    }

    /// Percent signs and what they stand for.
    private enum Escaping {
        enum Place { case path, user, host, query, fragment }

        static func isPlain(_ byte: UInt8) -> Bool { isLetter(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        private static func digit(_ byte: UInt8) -> UInt8? { Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) } }

        static func unescape(_ text: String, _ place: Place, of url: String) throws(ParseError) -> String {
            func fail(_ problem: String) -> ParseError { ParseError(message: "parse \(GoQuote.quote(url)): \(problem)") }
            let bytes = Array(text.utf8)
            var result: [UInt8] = []
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                switch byte {
                case UInt8(ascii: "%"):
                    let sequence = bytes[index..<min(index + 3, bytes.count)]
                    let quoted = GoQuote.quote(String(decoding: sequence, as: UTF8.self))
                    guard sequence.count == 3, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]) else {
                        throw fail("invalid URL escape \(quoted)")
                    }
                    // In a host only what is not ASCII may be escaped, and the sign before a zone.
                    if place == .host, high < 8, Array(sequence) != Array("%25".utf8) { throw fail("invalid URL escape \(quoted)") }
                    result.append(high << 4 | low)
                    index += 3
                case UInt8(ascii: "+") where place == .query:
                    result.append(UInt8(ascii: " "))
                    index += 1
                default:
                    if place == .host, byte < 0x80, !isPlain(byte), !"!$&'()*+,;=:[]<>\"-_.~".utf8.contains(byte) {
                        throw fail("invalid character \(GoQuote.quote(String(decoding: [byte], as: UTF8.self))) in host name")
                    }
                    result.append(byte)
                    index += 1
                }
            }
            return String(decoding: result, as: UTF8.self)
        }

        /// The path with all that may not stand in one escaped.
        static func escape(_ path: String) -> String {
            String(
                decoding: path.utf8.flatMap { byte -> [UInt8] in
                    if isPlain(byte) || "-_.~$&+,/:;=@".utf8.contains(byte) { return [byte] }
                    let digits = String(byte, radix: 16, uppercase: true)
                    return Array((byte < 16 ? "%0" : "%").utf8) + Array(digits.utf8)
                }, as: UTF8.self)
        }

        static func isEncodedPath(_ path: String) -> Bool {
            path.utf8.allSatisfy { isPlain($0) || "-_.~!$&'()*+,;=:@[]%/".utf8.contains($0) }
        }
    }
}
