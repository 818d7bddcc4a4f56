/// The formats of strings that upstream checks in custom objects. Others say something to readers and nothing to the server.
enum StringFormats {
    static let checks: [String: @Sendable (String) -> Bool] = [
        "date-time": { Timestamp.parse($0) != nil },
        "datetime": { Timestamp.parse($0) != nil },
        "date": { $0.utf8.count == 10 && Timestamp.parse($0 + "T00:00:00Z") != nil },
        "duration": isDuration,
        "byte": { !$0.isEmpty && Base64Check.firstBadByte($0) == nil },
        "ipv4": { isAddress($0) && $0.contains(".") },
        "ipv6": { isAddress($0) && $0.contains(":") },
        "cidr": { Names.cidr($0).isEmpty },
        "uuid": { isUUID($0, version: nil) }, "uuid3": { isUUID($0, version: "3") }, "uuid4": { isUUID($0, version: "4") },
        "uuid5": { isUUID($0, version: "5") },
        "mac": isHardwareAddress,
        "hostname": isHostName,
        "uri": { text in !text.contains(" ") && (text.split(separator: ":", maxSplits: 1).count == 2 || text.hasPrefix("/")) },
        "email": isMailAddress,
        "k8s-short-name": { Names.dnsLabel($0).isEmpty },
        "k8s-long-name": { Names.dnsSubdomain($0).isEmpty },
    ]

    private static func isAddress(_ text: String) -> Bool { IPLiteral.bytes(text) != nil || IPLiteral.withoutLeadingZeros(text) != nil }

    private static let units: Set<String> = {
        let long = ["nano", "micro", "milli", "sec", "second", "min", "minute", "hr", "hour", "day", "wk", "week"]
        let seconds = ["nanosecond", "microsecond", "millisecond"]
        let plural = (long + seconds).flatMap { [$0, $0 + "s"] }
        return Set(["ns", "us", "µs", "ms", "s", "m", "h", "d", "w"] + plural)
    }()

    /// A number with a unit, wherever in the text it stands.
    private static func isDuration(_ text: String) -> Bool {
        var rest = text[...]
        while let digit = rest.firstIndex(where: \.isWholeNumber) {
            rest = rest[digit...].drop(while: \.isWholeNumber).drop { $0 == " " }
            let unit = rest.prefix(while: \.isLetter)
            if units.contains(unit.lowercased()) { return true }
            rest = rest.dropFirst(unit.count)
        }
        return false
    }

    /// Labels, the last of them of letters where there are several.
    private static func isHostName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false).map { $0.lowercased() }
        guard text.utf8.count <= 255, labels.allSatisfy({ Names.dnsLabel($0).isEmpty }) else { return false }
        guard labels.count > 1, let last = labels.last?.utf8 else { return true }
        return last.count >= 2 && last.allSatisfy(Names.isLower)
    }

    /// 6, 8 or 20 bytes, in pairs of digits or in groups of four.
    private static func isHardwareAddress(_ text: String) -> Bool {
        let groups: [Substring]
        let width: Int
        if text.contains(".") {
            (groups, width) = (text.split(separator: ".", omittingEmptySubsequences: false), 4)
        } else {
            (groups, width) = (text.split(separator: text.contains("-") ? "-" : ":", omittingEmptySubsequences: false), 2)
        }
        return [6, 8, 20].contains(groups.count * width / 2)
            && groups.allSatisfy { $0.utf8.count == width && $0.utf8.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit } }
    }

    /// Alone, or in angle brackets behind a name.
    private static func isMailAddress(_ text: String) -> Bool {
        var address = text[...]
        if text.hasSuffix(">"), let bracket = text.firstIndex(of: "<") { address = text[bracket...].dropFirst().dropLast() }
        let parts = address.split(separator: "@", omittingEmptySubsequences: false)
        return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && !$0.contains(" ") }
    }

    private static func isUUID(_ text: String, version: Character?) -> Bool {
        let digits = text.filter { $0 != "-" }
        guard digits.utf8.count == 32, digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return false }
        guard let version else { return true }
        return Array(digits)[12] == version
    }
}
