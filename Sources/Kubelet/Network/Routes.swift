import FileSystem

/// The kernel's table of IPv4 routes.
enum Routes {
    /// The interface by which packets for an address leave; `nil` when only the default route leads there.
    static func interface(to address: String) -> String? { interface(to: address, in: Files.text("/proc/net/route") ?? "") }

    /// Name, destination, gateway, …, mask: numbers in hexadecimal, in the byte order of the machine.
    static func interface(to address: String, in table: String) -> String? {
        let bytes = address.split(separator: ".").compactMap { UInt32($0) }
        guard bytes.count == 4 else { return nil }
        let target = bytes.reversed().reduce(UInt32(0)) { $0 << 8 | $1 }
        var best: (name: String, mask: UInt32)?
        for line in table.split(separator: "\n").dropFirst() {
            let words = line.split(separator: "\t").map { $0.filter { $0 != " " } }
            guard words.count > 7, let destination = UInt32(words[1], radix: 16), let mask = UInt32(words[7], radix: 16), mask != 0,
                target & mask == destination, best.map({ $0.mask.nonzeroBitCount < mask.nonzeroBitCount }) ?? true
            else { continue }
            best = (words[0], mask)
        }
        return best?.name
    }
}
