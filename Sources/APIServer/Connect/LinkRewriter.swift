/// Has the links of a proxied page lead through the proxy again: a path that begins at the root of the server behind gets the proxy's path in
/// front of it.
///
/// Takes a page piece by piece. Keeps a tag that is cut off until the rest of it comes; one longer than 64 KiB goes through as it is.
struct LinkRewriter {
    /// `/api/v1/namespaces/default/pods/web:80/proxy`
    let prefix: String
    /// The host and port behind the proxy, whose absolute links are its own.
    let host: String

    /// What has come and not gone on yet.
    private var rest: [UInt8] = []
    /// What ends the text that is no markup, inside a script for one; empty outside.
    private var rawEnd: [UInt8] = []

    private static let longestTag = 64 << 10
    private static let commentEnd = Array("-->".utf8)

    /// The attributes that are links, by tag.
    private static let links: [String: Set<String>] = [
        "a": ["href"], "applet": ["codebase"], "area": ["href"], "audio": ["src"], "base": ["href"], "blockquote": ["cite"],
        "body": ["background"], "button": ["formaction"], "command": ["icon"], "del": ["cite"], "embed": ["src"], "form": ["action"],
        "frame": ["longdesc", "src"], "head": ["profile"], "html": ["manifest"], "iframe": ["longdesc", "src"],
        "img": ["longdesc", "src", "usemap"], "input": ["formaction", "src", "usemap"], "ins": ["cite"], "link": ["href"],
        "object": ["classid", "codebase", "data", "usemap"], "q": ["cite"], "script": ["src"], "source": ["src"], "track": ["src"],
        "video": ["poster", "src"],
    ]

    init(prefix: String, host: String) {
        self.prefix = prefix
        self.host = host
    }

    /// A link as it must be read from here.
    func rewritten(_ link: String) -> String {
        var path = link[...]
        for scheme in ["http://", "https://"] where link.hasPrefix(scheme + host) { path = path.dropFirst((scheme + host).count) }
        guard path.hasPrefix("/"), !path.hasPrefix("//"), !path.hasPrefix(prefix) else { return link }
        return prefix + path
    }

    /// What goes on of the page so far, after another piece of it.
    mutating func take(_ piece: some Sequence<UInt8>) -> [UInt8] {
        rest += piece
        var out: [UInt8] = []
        var index = 0
        while index < rest.count {
            if !rawEnd.isEmpty {
                guard let end = Self.find(rawEnd, in: rest, from: index) else {
                    // The end itself may be cut off.
                    let safe = max(index, rest.count - rawEnd.count)
                    out += rest[index..<safe]
                    index = safe
                    break
                }
                out += rest[index..<end]
                index = end
                rawEnd = []
                continue
            }
            guard let start = rest[index...].firstIndex(of: UInt8(ascii: "<")) else {
                out += rest[index...]
                index = rest.count
                break
            }
            out += rest[index..<start]
            index = start
            if Self.find(Array("<!--".utf8), in: rest, from: index) == index {
                rawEnd = Self.commentEnd
                continue
            }
            guard let end = Self.tagEnd(rest, from: index) else {
                if rest.count - index > Self.longestTag {
                    out += rest[index...]
                    index = rest.count
                }
                break
            }
            out += tag(rest[index..<end])
            index = end
        }
        rest.removeFirst(index)
        return out
    }

    /// What is left when the page is over.
    mutating func end() -> [UInt8] {
        defer { rest = [] }
        return rest
    }

    /// Behind the `>` that ends the tag at `start`; nil when it has not come.
    private static func tagEnd(_ bytes: [UInt8], from start: Int) -> Int? {
        var quote: UInt8 = 0
        for index in start..<bytes.count {
            let byte = bytes[index]
            if quote != 0 {
                if byte == quote { quote = 0 }
            } else if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                quote = byte
            } else if byte == UInt8(ascii: ">") {
                return index + 1
            }
        }
        return nil
    }

    private static func find(_ wanted: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count - start >= wanted.count else { return nil }
        return (start...bytes.count - wanted.count).first { index in
            wanted.indices.allSatisfy { lower(bytes[index + $0]) == wanted[$0] }
        }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

    /// One tag with its links rewritten.
    private mutating func tag(_ bytes: ArraySlice<UInt8>) -> [UInt8] {
        var words = bytes.dropFirst()
        let name = String(
            decoding: words.prefix { !Self.isSpace($0) && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/") }.map(Self.lower),
            as: UTF8.self)
        if name == "script" || name == "style" { rawEnd = Array("</\(name)".utf8) }
        guard let links = Self.links[name] else { return Array(bytes) }
        words = words.dropFirst(name.utf8.count)
        var out = Array(bytes.prefix(1 + name.utf8.count))
        while !words.isEmpty {
            let space = words.prefix { Self.isSpace($0) || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: ">") }
            out += space
            words = words.dropFirst(space.count)
            let attribute = words.prefix {
                !Self.isSpace($0) && $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ">") && $0 != UInt8(ascii: "/")
            }
            out += attribute
            words = words.dropFirst(attribute.count)
            let equals = words.prefix { Self.isSpace($0) || $0 == UInt8(ascii: "=") }
            guard equals.contains(UInt8(ascii: "=")) else {
                // Without a value; nothing else may keep the loop from going on.
                if space.isEmpty, attribute.isEmpty, let byte = words.popFirst() { out.append(byte) }
                continue
            }
            out += equals
            words = words.dropFirst(equals.count)
            let value: ArraySlice<UInt8>
            if let quote = words.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                out.append(quote)
                words = words.dropFirst()
                value = words.prefix { $0 != quote }
            } else {
                value = words.prefix { !Self.isSpace($0) && $0 != UInt8(ascii: ">") }
            }
            words = words.dropFirst(value.count)
            let isLink = links.contains(String(decoding: attribute.map(Self.lower), as: UTF8.self))
            out += isLink ? Array(rewritten(String(decoding: value, as: UTF8.self)).utf8) : Array(value)
            if let quote = words.first, quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") {
                out.append(quote)
                words = words.dropFirst()
            }
        }
        return out
    }
}
