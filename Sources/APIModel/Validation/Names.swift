/// What names, labels and addresses must look like. Each check gives upstream's complaints, none when the text is good.
public enum Names {
    public static func dnsLabel(_ text: String) -> [String] {
        var problems = length(text, 63)
        if !isLabel(text[...]) {
            problems.append(
                isSubdomain(text)
                    ? "must not contain dots"
                    : "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character "
                        + "(e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    public static func dnsSubdomain(_ text: String) -> [String] {
        var problems = length(text, 253)
        if !isSubdomain(text) {
            problems.append(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character "
                    + "(e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            )
        }
        return problems
    }

    /// `example.com/name`, where the name may have parts of its own.
    public static func domainPrefixedPath(_ text: String, at path: FieldPath) -> [FieldError] {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard !text.isEmpty else { return [.required(path)] }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            return [.invalid(path, .string(text), "must be a domain-prefixed path (such as \"acme.io/foo\")")]
        }
        var errors = dnsSubdomain(parts[0]).map { FieldError.invalid(path, .string(parts[0]), $0) }
        if !parts[1].utf8.allSatisfy({ isAlphanumeric($0) || "/-._~%!$&'()*+,;=:".utf8.contains($0) }) {
            let message = "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
            errors.append(.invalid(path, .string(parts[1]), message))
        }
        return errors
    }

    /// RFC 1035: the names of Services.
    public static func dns1035Label(_ text: String) -> [String] {
        var problems = length(text, 63)
        if !isLabel(text[...]) || !(text.utf8.first.map(isLower) ?? false) {
            problems.append(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character "
                    + "(e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')")
        }
        return problems
    }

    /// The key of a label or an annotation, a finalizer: `example.com/name`.
    public static func qualifiedName(_ text: String) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        var problems: [String] = []
        if parts.count > 2 {
            return [
                "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
                    + "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            ]
        }
        if parts.count == 2 {
            if parts[0].isEmpty {
                problems.append("prefix part must be non-empty")
            } else {
                problems += dnsSubdomain(parts[0]).map { "prefix part \($0)" }
            }
        }
        let name = parts[parts.count - 1]
        if name.isEmpty {
            problems.append("name part must be non-empty")
        } else if name.utf8.count > 63 {
            problems.append("name part must be no more than 63 bytes")
        }
        if !isQualifiedPart(name) {
            problems.append(
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', "
                    + "regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')")
        }
        return problems
    }

    public static func labelValue(_ text: String) -> [String] {
        var problems = length(text, 63)
        if !text.isEmpty, !isQualifiedPart(text) {
            problems.append(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
                    + "(e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            )
        }
        return problems
    }

    /// A key of a ConfigMap or a Secret.
    static func configMapKey(_ text: String) -> [String] {
        var problems = length(text, 253)
        if text.isEmpty
            || !text.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
            )
        {
            problems.append(
                "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
            )
        }
        if text == "." { problems.append("must not be '.'") }
        if text == ".." { problems.append("must not be '..'") } else if text.hasPrefix("..") { problems.append("must not start with '..'") }
        return problems
    }

    /// A path segment: the names of RBAC objects.
    static func pathSegment(_ text: String) -> [String] {
        if text == "." || text == ".." { return ["may not be '\(text)'"] }
        return ["/", "%"].filter { text.contains($0) }.map { "may not contain '\($0)'" }
    }

    static func portName(_ text: String) -> [String] {
        var problems: [String] = []
        if text.utf8.count > 15 { problems.append("must be no more than 15 characters") }
        if text.isEmpty || !text.utf8.allSatisfy({ isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }) {
            problems.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
        }
        if !text.utf8.contains(where: isLower) { problems.append("must contain at least one letter (a-z)") }
        if text.contains("--") { problems.append("must not contain consecutive hyphens") }
        if text.hasPrefix("-") || text.hasSuffix("-") { problems.append("must not begin or end with a hyphen") }
        return problems
    }

    static func environmentName(_ text: String) -> [String] {
        // Any printable ASCII but "=" is good since relaxed checking became the rule.
        text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "=") })
            ? [] : ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
    }

    /// A field of an HTTP request, as Go's library takes it.
    static func headerName(_ text: String) -> [String] {
        !text.isEmpty && text.utf8.allSatisfy({ isAlphanumeric($0) || $0 == UInt8(ascii: "-") })
            ? []
            : [
                "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
            ]
    }

    static let sysctlPattern = "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$"

    /// Whether it has the form of a kernel parameter's name, with dots or slashes between its parts.
    static func isSysctl(_ text: String) -> Bool {
        func isPart(_ part: Substring.UTF8View) -> Bool {
            guard let first = part.first, let last = part.last else { return false }
            func isPlain(_ byte: UInt8) -> Bool { isLower(byte) || isDigit(byte) }
            return isPlain(first) && isPlain(last)
                && part.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        }
        return text.utf8.count <= 253
            && text.utf8.split(omittingEmptySubsequences: false) { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "/") }.allSatisfy(isPart)
    }

    /// `*.` and a DNS name.
    static func wildcardSubdomain(_ text: String) -> [String] {
        var problems = length(text, 253)
        if !text.hasPrefix("*.") || !isSubdomain(String(text.dropFirst(2))) {
            problems.append(
                "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character "
                    + "(e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            )
        }
        return problems
    }

    static func port(_ number: Whole) -> [String] { (1...65535).contains(number) ? [] : ["must be between 1 and 65535, inclusive"] }

    static func ip(_ text: String) -> [String] {
        if let bytes = IPLiteral.bytes(text) {
            // What some read as an address of one family, and some as one of the other.
            return bytes.count == 4 && text.contains(":") ? ["must not be an IPv4-mapped IPv6 address"] : []
        }
        return IPLiteral.withoutLeadingZeros(text) == nil
            ? ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"] : ["must not have leading 0s"]
    }

    /// An address as newer fields have it: in the one form that RFC 5952 gives each.
    static func canonicalIP(_ text: String) -> [String] { canonical(text, ip(text), IPAddress(text)?.description) }
    static func canonicalCIDR(_ text: String) -> [String] { canonical(text, cidr(text), IPNetwork(text)?.description) }

    private static func canonical(_ text: String, _ problems: [String], _ form: String?) -> [String] {
        guard problems.isEmpty, let form, form != text else { return problems }
        return ["must be in canonical form (\(FieldError.quoted(form)))"]
    }

    static func cidr(_ text: String) -> [String] {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        let address = parts[0]
        guard parts.count == 2, !parts[1].isEmpty, parts[1].utf8.allSatisfy(isDigit), let length = Int(parts[1]),
            let bytes = IPLiteral.bytes(IPLiteral.withoutLeadingZeros(address) ?? address),
            (0...(address.contains(":") ? 128 : 32)).contains(length)
        else { return ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"] }
        if IPLiteral.bytes(address) == nil || parts[1].utf8.count > 1 && parts[1].hasPrefix("0") {
            return ["must not have leading 0s in IP or prefix length"]
        }
        if bytes.count == 4, address.contains(":") { return ["must not have an IPv4-mapped IPv6 address"] }
        let isNetwork = bytes.indices.allSatisfy { index in
            let kept = min(max(length - index * 8, 0), 8)
            return bytes[index] & (UInt8.max >> UInt8(kept)) == 0 || kept == 8
        }
        return isNetwork ? [] : ["must not have bits set beyond the prefix length"]
    }

    static func percentOrNumber(_ text: String) -> [String] {
        text.utf8.last == UInt8(ascii: "%") && text.utf8.count > 1 && text.utf8.dropLast().allSatisfy(isDigit)
            ? []
            : [
                "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')"
            ]
    }

    private static func length(_ text: String, _ limit: Int) -> [String] {
        text.utf8.count > limit ? ["must be no more than \(limit) bytes"] : []
    }
    static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
    static func isLower(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") }
    static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLower(byte) || (byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
    }

    /// Base64's alphabet for URLs.
    public static func isOfURLAlphabet(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
    }

    static func isLabel(_ text: Substring) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last else { return false }
        return (isLower(first) || isDigit(first)) && (isLower(last) || isDigit(last))
            && text.utf8.allSatisfy { isLower($0) || isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    static func isSubdomain(_ text: String) -> Bool { text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy(isLabel) }

    private static func isQualifiedPart(_ text: String) -> Bool {
        guard let first = text.utf8.first, let last = text.utf8.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }
}
