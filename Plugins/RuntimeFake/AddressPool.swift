/// Hands out IPv4 addresses, each to one pod at a time.
struct AddressPool: Sendable {
    struct Range: Sendable {
        let first: UInt32
        let count: UInt32

        /// From `10.200.0.0/14`; nil when it is no such text.
        init?(_ text: String) {
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            let bytes = parts.first?.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) } ?? []
            guard parts.count == 2, bytes.count == 4, let length = UInt32(parts[1]), (8...30).contains(length) else { return nil }
            count = 1 << (32 - length)
            first = bytes.reduce(0) { $0 << 8 | UInt32($1) } & ~(count - 1)
        }
    }

    private let range: Range
    private var next: UInt32 = 1
    private var free: [UInt32] = []

    init(_ range: Range) { self.range = range }

    /// An address, nil when all are taken. The range's first and last are never handed out; one that was given back comes again last.
    mutating func take() -> String? {
        if next < range.count - 1 {
            defer { next += 1 }
            return Self.text(range.first + next)
        }
        return free.isEmpty ? nil : Self.text(free.removeFirst())
    }

    mutating func giveBack(_ address: String) { free.append(address.split(separator: ".").reduce(0) { $0 << 8 | (UInt32($1) ?? 0) }) }

    private static func text(_ address: UInt32) -> String { [24, 16, 8, 0].map { String(address >> $0 & 0xff) }.joined(separator: ".") }
}
