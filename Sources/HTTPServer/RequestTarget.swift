/// Splits a request's target into path and query.
enum RequestTarget {
    /// `nil` when there are more than `limit` parameters.
    static func parse(_ target: String, limit: Int) -> (path: String, query: [(name: String, value: String)])? {
        let bytes = target.utf8
        guard let mark = bytes.firstIndex(of: UInt8(ascii: "?")) else { return (withoutAuthority(target), []) }
        let text = bytes[bytes.index(after: mark)...]
        guard text.count(where: { $0 == UInt8(ascii: "&") }) < limit else { return nil }
        let query = text.split(separator: UInt8(ascii: "&")).map { pair in
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")) else { return (decode(pair), "") }
            return (decode(pair[..<equals]), decode(pair[pair.index(after: equals)...]))
        }
        return (withoutAuthority(String(target[..<mark])), query)
    }

    /// Percent-decodes, `+` being a space as in forms. A malformed escape stands for itself.
    private static func decode(_ text: Substring.UTF8View) -> String {
        guard text.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) else { return String(Substring(text)) }
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): result.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                let digits = rest.prefix(2)
                if digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                    let value = UInt8(String(Substring(digits)), radix: 16)
                {
                    result.append(value)
                    rest = rest.dropFirst(2)
                } else {
                    result.append(byte)
                }
            default: result.append(byte)
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Proxies send the absolute form, `http://host/path`.
    private static func withoutAuthority(_ path: String) -> String {
        guard !path.utf8.starts(with: "/".utf8) else { return path }
        for scheme in ["http://", "https://"] where path.utf8.starts(with: scheme.utf8) {
            let rest = path.dropFirst(scheme.count)
            return rest.utf8.firstIndex(of: UInt8(ascii: "/")).map { String(rest[$0...]) } ?? "/"
        }
        return path.isEmpty ? "/" : path
    }
}
