/// A domain name: the length and the bytes of each label, and a zero at the end, as it stands in a message that is not compressed.
///
/// In lower case, since names are compared without regard to case. At most 255 bytes, labels at most 63.
public struct Name: Hashable, Sendable, CustomStringConvertible {
    static let limit = 255
    static let root = Name(checked: [0])

    let bytes: [UInt8]

    /// - Parameter bytes: a name that is known to be one, in lower case.
    init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// Reads `web.default.svc.cluster.local`, with or without a dot at the end; `nil` for an empty label and for what is too long.
    public init?(_ text: some StringProtocol) {
        let text = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard !text.isEmpty else { return nil }
        self.init(labels: text.split(separator: ".", omittingEmptySubsequences: false), under: .root)
    }

    /// `labels`, the first one first, before the name `parent`. A dot in a label is part of it.
    init?(labels: [some StringProtocol], under parent: Name) {
        var bytes: [UInt8] = []
        for label in labels {
            guard (1...63).contains(label.utf8.count) else { return nil }
            bytes.append(UInt8(label.utf8.count))
            bytes.append(contentsOf: label.utf8.lazy.map(Self.lowercase))
        }
        bytes += parent.bytes
        guard bytes.count <= Self.limit else { return nil }
        self.bytes = bytes
    }

    static func lowercase(_ byte: UInt8) -> UInt8 { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte }

    /// The name without its first label; `nil` of the root.
    var parent: Name? { bytes.count > 1 ? Name(checked: Array(bytes.dropFirst(Int(bytes[0]) + 1))) : nil }

    /// Whether this is `zone`, or below it.
    func isWithin(_ zone: Name) -> Bool {
        var start = 0
        while bytes.count - start > zone.bytes.count { start += Int(bytes[start]) + 1 }
        return bytes[start...].elementsEqual(zone.bytes)
    }

    /// Where each label begins, without the root.
    var labelStarts: [Int] { Array(sequence(first: 0) { $0 + Int(bytes[$0]) + 1 }.prefix { bytes[$0] != 0 }) }

    public static func == (left: Name, right: Name) -> Bool { left.bytes == right.bytes }
    public func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }

    /// With a dot at the end. What is no printing character stands as `\003`, a dot within a label as `\.`.
    public var description: String {
        guard bytes.count > 1 else { return "." }
        return labelStarts.map { start in
            bytes[(start + 1)...(start + Int(bytes[start]))].reduce(into: "") { text, byte in
                switch byte {
                case UInt8(ascii: "."), UInt8(ascii: "\\"): text += "\\\(Character(UnicodeScalar(byte)))"
                case 33...126: text.append(Character(UnicodeScalar(byte)))
                default: text += "\\" + String("00\(byte)".suffix(3))
                }
            } + "."
        }.joined()
    }
}
