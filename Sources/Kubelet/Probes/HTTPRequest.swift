import APIModel

/// The one request that a probe or a hook makes, as it goes over the wire. What the pod's owner writes can put nothing else there: what a
/// path may not have is encoded, what a header may not have is refused, as Go does it.
struct HTTPRequest {
    struct Invalid: Error, CustomStringConvertible {
        let description: String
    }

    let path: String
    let authority: String
    let headers: [Value]
    let userAgent: String

    /// Throws `Invalid` in the words of Go's `net/http`.
    func text() throws(Invalid) -> String {
        var host = authority
        var lines = ""
        var named: Set<String> = []
        for header in headers {
            let (name, value) = (header.name, header["value"].string ?? "")
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isToken) else {
                throw Invalid(description: "net/http: invalid header field name \(FieldError.quoted(name))")
            }
            guard value.utf8.allSatisfy(Self.isVisible) else {
                throw Invalid(description: "net/http: invalid header field value for \(FieldError.quoted(name))")
            }
            named.insert(name.lowercased())
            // One of ours that is to be nothing is not sent.
            if value.isEmpty && ["accept", "user-agent"].contains(name.lowercased()) { continue }
            if name.lowercased() == "host" { host = value } else { lines += "\(name): \(value)\r\n" }
        }
        guard host.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { throw Invalid(description: "http: invalid Host header") }
        if !named.contains("user-agent") { lines += "User-Agent: \(userAgent)\r\n" }
        if !named.contains("accept") { lines += "Accept: */*\r\n" }
        return "GET \(Self.target(path)) HTTP/1.1\r\nHost: \(host)\r\n\(lines)Connection: close\r\n\r\n"
    }

    private static func isToken(_ byte: UInt8) -> Bool { isAlphanumeric(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte) }
    private static func isVisible(_ byte: UInt8) -> Bool { byte == 0x09 || byte >= 0x20 && byte != 0x7f }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: false
        }
    }

    /// Path and query as a request line takes them. What is encoded already stays as it is.
    static func target(_ path: String) -> String {
        let bytes = Array(path.utf8.prefix { $0 != UInt8(ascii: "#") })
        func isHex(_ index: Int) -> Bool { index < bytes.count && Character(UnicodeScalar(bytes[index])).isHexDigit }
        var target: [UInt8] = []
        for (index, byte) in bytes.enumerated() {
            let isPlain = isAlphanumeric(byte) || "-._~!$&'()*+,;=:@/?[]".utf8.contains(byte)
            if isPlain || byte == UInt8(ascii: "%") && isHex(index + 1) && isHex(index + 2) {
                target.append(byte)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                target += "%\(digits.count == 1 ? "0" : "")\(digits)".utf8
            }
        }
        return String(decoding: target, as: UTF8.self)
    }
}
