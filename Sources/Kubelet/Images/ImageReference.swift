/// A reference to an image as a pod names it: `web`, `registry.example:5000/team/web:1.2`, `web@sha256:…`. Upstream: distribution
/// `reference`.
struct ImageReference: Equatable, Sendable {
    /// The registry's host with its port, `docker.io` when none is named.
    var domain: String
    var repository: String
    var tag: String?
    var digest: String?

    /// `nil` when the text is none.
    init?(_ text: String) {
        var rest = Substring(text)
        if let at = rest.lastIndex(of: "@") {
            digest = String(rest[rest.index(after: at)...])
            rest = rest[..<at]
            guard Self.isDigest(digest ?? "") else { return nil }
        }
        if let colon = rest.lastIndex(of: ":"), !rest[colon...].contains("/") {
            tag = String(rest[rest.index(after: colon)...])
            rest = rest[..<colon]
            guard Self.isTag(tag ?? "") else { return nil }
        }
        var parts = rest.split(separator: "/", omittingEmptySubsequences: false)
        if parts.count > 1, let first = parts.first,
            first.contains(".") || first.contains(":") || first == "localhost" || first.lowercased() != first
        {
            domain = String(first)
            parts.removeFirst()
            guard Self.isDomain(domain) else { return nil }
        } else {
            domain = "docker.io"
            if parts.count == 1 { parts.insert("library", at: 0) }
        }
        repository = parts.joined(separator: "/")
        guard !parts.isEmpty, repository.count <= 255, parts.allSatisfy(Self.isComponent) else { return nil }
    }

    /// The text with `:latest` where it names neither tag nor digest, as runtimes want it.
    static func withDefaultTag(_ text: String) -> String? {
        guard let reference = ImageReference(text) else { return nil }
        return reference.tag == nil && reference.digest == nil ? text + ":latest" : text
    }

    /// The text without tag and digest; `nil` when it is no reference.
    static func name(of text: String) -> String? {
        guard let reference = ImageReference(text) else { return nil }
        let dropped = (reference.tag.map { $0.count + 1 } ?? 0) + (reference.digest.map { $0.count + 1 } ?? 0)
        return String(text.dropLast(dropped))
    }

    private static func isLower(_ letter: Character) -> Bool { letter.isASCII && (letter.isLowercase || letter.isNumber) }

    /// Words of small letters and digits, joined by `.`, `_`, `__` or dashes.
    private static func isComponent(_ text: Substring) -> Bool {
        guard let first = text.first, let last = text.last, isLower(first), isLower(last) else { return false }
        var separator = ""
        for letter in text {
            if isLower(letter) {
                separator = ""
                continue
            }
            separator.append(letter)
            guard separator == "." || separator == "_" || separator == "__" || separator.allSatisfy({ $0 == "-" }) else { return false }
        }
        return true
    }

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.first, text.count <= 128, first != ".", first != "-" else { return false }
        return text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }
    }

    private static func isDigest(_ text: String) -> Bool {
        let parts = text.split(separator: ":", maxSplits: 1)
        return parts.count == 2 && parts[0].first?.isLetter == true && parts[1].count >= 32
            && parts[1].allSatisfy { $0.isASCII && $0.isHexDigit }
    }

    private static func isDomain(_ text: String) -> Bool {
        !text.isEmpty && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-:[]".contains($0)) }
    }
}
