internal import APIModel

/// A range of addresses as it was written, `192.168.0.1/16`: unlike an `IPNetwork` it keeps the address.
struct IPPrefix: Sendable, Hashable {
    let address: IPAddress
    let network: IPNetwork

    /// - Throws: what is wrong, in the words of Go's `net/netip`.
    init(_ text: String) throws(IPReader.Failure) {
        func fail(_ problem: String) -> IPReader.Failure {
            IPReader.Failure(message: "netip.ParsePrefix(\(GoQuote.quote(text))): \(problem)")
        }
        guard let slash = text.lastIndex(of: "/") else { throw fail("no '/'") }
        let zone: String
        do throws(IPReader.Failure) { (address, zone) = try IPReader.read(String(text[..<slash])) } catch { throw fail(error.message) }
        if !zone.isEmpty { throw fail("IPv6 zones cannot be present in a prefix") }
        let bits = text[text.index(after: slash)...]
        let isNumber = !bits.isEmpty && bits.allSatisfy(\.isASCIIDigit) && (bits.count == 1 || !bits.hasPrefix("0"))
        guard isNumber, let length = Int(bits) else { throw fail("bad bits after slash: \(GoQuote.quote(String(bits)))") }
        guard let network = IPNetwork(address, bits: length) else { throw fail("prefix length out of range") }
        self.network = network
    }

    /// The range that begins with the first address of a network.
    init(_ network: IPNetwork) {
        address = network.base
        self.network = network
    }

    var text: String { "\(address)/\(network.bits)" }
}
