/// Decoders with one fault each, by which the fuzzer itself is tested.
enum BrokenSubjects {
    static let all = [trapping, hanging, hoarding]

    static let trapping = Decoder("broken-trap", seeds: [Array("count: 12, name: x".utf8)]) { input in
        guard let colon = input.firstIndex(of: UInt8(ascii: ":")) else { return "no colon" }
        let digits = input[(colon + 1)...].drop { $0 == UInt8(ascii: " ") }.prefix { (0x30...0x39).contains($0) }
        // What the fault is: the product traps where the number is large.
        return "\((Int(String(decoding: digits, as: UTF8.self)) ?? 0) * 1_000)".count > 5 ? "large" : "small"
    }

    static let hanging = Decoder("broken-hang", seeds: [Array("{}".utf8)]) { input in
        while input.contains(UInt8(ascii: "[")) {}
        return ""
    }

    static let hoarding = Decoder("broken-hoard", seeds: [Array("{}".utf8)]) { input in
        guard input.contains(UInt8(ascii: "[")) else { return "" }
        var hoard: [[UInt8]] = []
        while hoard.count < 4_000 { hoard.append([UInt8](repeating: 1, count: 1 << 20)) }
        return "\(hoard.count)"
    }
}
