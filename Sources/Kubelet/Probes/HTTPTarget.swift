/// Where a probe or a hook asks by HTTP.
struct HTTPTarget: Equatable, Sendable {
    var isTLS = false
    var host: String
    var port: Int
    /// With its query; begins with a slash.
    var path: String

    var scheme: String { isTLS ? "https" : "http" }
    var authority: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
    var url: String { "\(scheme)://\(authority)\(HTTPRequest.target(path))" }

    /// Where an answer sends on to, on the same host; `nil` for anywhere else, and when it does not.
    func redirected(by answer: String) -> HTTPTarget? {
        guard let status = HTTPAnswer.status(answer), [301, 302, 303, 307, 308].contains(status),
            let location = HTTPAnswer.header("location", of: answer), !location.isEmpty
        else { return nil }
        return at(location)
    }

    /// Upstream asks for the same host name; port and scheme may be others.
    private func at(_ location: Substring) -> HTTPTarget? {
        var target = self
        var rest = location
        for (scheme, isTLS) in [("http://", false), ("https://", true)]
        where rest.prefix(scheme.count).lowercased() == scheme {
            rest = rest.dropFirst(scheme.count)
            return target.go(to: rest, isTLS: isTLS)
        }
        if rest.hasPrefix("//") { return target.go(to: rest.dropFirst(2), isTLS: isTLS) }
        guard !rest.prefix(while: { $0 != "/" && $0 != "?" && $0 != "#" }).contains(":") else { return nil }
        if rest.hasPrefix("/") {
            target.path = String(rest)
        } else {
            let bare = path.prefix { $0 != "?" && $0 != "#" }
            let base = rest.hasPrefix("?") ? bare : bare[...(bare.lastIndex(of: "/") ?? bare.startIndex)]
            target.path = String(base + rest)
        }
        return target
    }

    /// - Parameter rest: `host:port/path`
    private func go(to rest: Substring, isTLS: Bool) -> HTTPTarget? {
        let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        let path = rest.dropFirst(authority.count)
        var (name, port): (Substring, Int?) = (authority, isTLS ? 443 : 80)
        let bracket = authority.lastIndex(of: "]")
        if let colon = authority.lastIndex(of: ":"), bracket.map({ $0 < colon }) ?? true {
            name = authority[..<colon]
            port = Int(authority[authority.index(after: colon)...])
        }
        if bracket != nil { name = name.dropFirst().dropLast() }
        guard let port, (1...65535).contains(port), name.lowercased() == host.lowercased() else { return nil }
        return HTTPTarget(isTLS: isTLS, host: host, port: port, path: path.hasPrefix("/") ? String(path) : "/" + path)
    }
}

/// The parts of an HTTP answer, as far as it came.
enum HTTPAnswer {
    static func status(_ answer: String) -> Int? {
        let words = answer.prefix { $0 != "\r\n" && $0 != "\n" }.split(separator: " ", maxSplits: 2)
        guard words.count > 1, words[0].hasPrefix("HTTP/") else { return nil }
        return Int(words[1])
    }

    /// - Parameter name: in small letters.
    static func header(_ name: String, of answer: String) -> Substring? {
        for line in answer.split(omittingEmptySubsequences: false, whereSeparator: { $0 == "\r\n" || $0 == "\n" }).dropFirst() {
            if line.isEmpty { return nil }
            let parts = line.split(separator: ":", maxSplits: 1)
            if parts.count == 2, parts[0].lowercased() == name { return parts[1].drop { $0 == " " } }
        }
        return nil
    }

    static func body(_ answer: String) -> Substring {
        let bytes = answer.utf8
        guard let end = bytes.firstRange(of: "\r\n\r\n".utf8)?.upperBound else { return "" }
        return answer[end...]
    }
}
