internal import APIModel

/// A range of addresses, IPv4 or IPv6.
struct Prefix: Hashable, Sendable {
    /// Of the first address, 4 or 16 of them.
    let base: [UInt8]
    let length: Int

    /// `nil` unless it is an address and a prefix length.
    init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let bytes = IPLiteral.bytes(String(parts[0])), let length = Int(parts[1]),
            (0...8 * bytes.count).contains(length)
        else { return nil }
        self.length = length
        base = Self.masked(bytes, length)
    }

    /// Whether all addresses of the other are among these.
    func contains(_ other: Prefix) -> Bool {
        base.count == other.base.count && length <= other.length && Self.masked(other.base, length) == base
    }

    func overlaps(_ other: Prefix) -> Bool { contains(other) || other.contains(self) }

    /// Whether a Service can have the address from here: neither the first nor, of IPv4, the last.
    func offers(_ address: [UInt8]) -> Bool {
        guard address.count == base.count, Self.masked(address, length) == base, address != base else { return false }
        return address.count == 16 || address != last
    }

    private var last: [UInt8] { zip(base, Self.masked([UInt8](repeating: 255, count: base.count), length)).map { $0 | ~$1 } }

    private static func masked(_ bytes: [UInt8], _ length: Int) -> [UInt8] {
        bytes.enumerated().map { index, byte in
            let kept = min(max(length - 8 * index, 0), 8)
            return kept == 0 ? 0 : byte & (255 << UInt8(8 - kept))
        }
    }
}
