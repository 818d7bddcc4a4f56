/// Whether text is an address, without a resolver.
public enum IPLiteral {
    public static func isIPv4(_ text: String) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4
            && parts.allSatisfy { part in
                (1...3).contains(part.count) && part.utf8.allSatisfy(Names.isDigit) && (part == "0" || !part.hasPrefix("0"))
                    && (Int(part) ?? 256) < 256
            }
    }

    /// What a looser reader takes for an IPv4 address; `nil` where there are no zeros too many, or where it is none in any reading.
    public static func withoutLeadingZeros(_ text: String) -> String? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { part in
            let rest = part.drop { $0 == "0" }
            return rest.isEmpty && !part.isEmpty ? "0" : rest
        }
        let plain = parts.joined(separator: ".")
        return plain != text && isIPv4(plain) ? plain : nil
    }

    public static func isIPv6(_ text: String) -> Bool { groups(text) != nil }

    /// The 4 or 16 bytes of an address, in the order of the network; `nil` for anything else.
    public static func bytes(_ text: String) -> [UInt8]? {
        if isIPv4(text) { return text.split(separator: ".").compactMap { UInt8($0) } }
        guard let groups = groups(text) else { return nil }
        let bytes = groups.flatMap { [UInt8($0 >> 8), UInt8($0 & 255)] }
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255]
        return bytes.starts(with: mapped) ? Array(bytes.dropFirst(12)) : bytes
    }

    /// The eight groups of an IPv6 address.
    private static func groups(_ text: String) -> [UInt16]? {
        guard text.contains(":") else { return nil }
        let halves = text.components(separatedBy: "::")
        guard halves.count <= 2 else { return nil }
        var found: [[UInt16]] = []
        for (index, half) in halves.enumerated() {
            guard let part = groups(half, isLast: index == halves.count - 1) else { return nil }
            found.append(part)
        }
        let missing = 8 - found.reduce(0) { $0 + $1.count }
        guard halves.count == 2 ? missing > 0 : missing == 0 else { return nil }
        return found[0] + [UInt16](repeating: 0, count: missing) + (found.count > 1 ? found[1] : [])
    }

    private static func groups(_ half: String, isLast: Bool) -> [UInt16]? {
        guard !half.isEmpty else { return [] }
        let parts = half.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        // More than an address has is no address, and need not be read.
        guard parts.count <= 8 else { return nil }
        var groups: [UInt16] = []
        for (position, part) in parts.enumerated() {
            if isLast, position == parts.count - 1, isIPv4(part) {
                let bytes = part.split(separator: ".").compactMap { UInt16($0) }
                groups += [bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]]
            } else if (1...4).contains(part.utf8.count), part.utf8.allSatisfy(isHexDigit), let group = UInt16(part, radix: 16) {
                groups.append(group)
            } else {
                return nil
            }
        }
        return groups
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        Names.isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20)
    }
}

extension String {
    fileprivate func components(separatedBy separator: String) -> [String] {
        var parts: [String] = []
        var rest = Substring(self)
        while let range = rest.firstRange(of: separator) {
            parts.append(String(rest[..<range.lowerBound]))
            rest = rest[range.upperBound...]
        }
        return parts + [String(rest)]
    }
}
