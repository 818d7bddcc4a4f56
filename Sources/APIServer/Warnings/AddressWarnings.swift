import APIModel

/// Addresses and networks that are written in other than the one usual way: some read them as something else.
enum AddressWarnings {
    /// - Parameter value: of a field that is checked; what is no address is told of nowhere.
    static func ip(_ value: Value, at path: FieldPath) -> [String] {
        guard let text = value.string, let address = IPAddress(IPLiteral.withoutLeadingZeros(text) ?? text) else { return [] }
        let usual = address.description
        if usual == text { return [] }
        if address.family == .ipv4 { return ["\(path): non-standard IP address \"\(text)\" is invalid: use \"\(usual)\""] }
        return ["\(path): IPv6 address \"\(text)\" should be in RFC 5952 canonical format (\"\(usual)\")"]
    }

    static func cidr(_ value: Value, at path: FieldPath) -> [String] {
        guard let text = value.string, let (address, network) = parse(text) else { return [] }
        let usual = network.description
        var warnings: [String] = []
        if address != network.base {
            let single = "\(address)/\(address.family.bits)"
            warnings.append("\(path): CIDR value \"\(text)\" is ambiguous in this context (should be \"\(usual)\" or \"\(single)\"?)")
        }
        let parts = text.split(separator: "/")
        if address.family == .ipv4, parts[0] != address.description || parts[1] != String(Int(parts[1]) ?? 0) {
            warnings.append("\(path): non-standard CIDR value \"\(text)\" is invalid: use \"\(usual)\"")
        } else if warnings.isEmpty, usual != text {
            warnings.append("\(path): IPv6 CIDR value \"\(text)\" should be in RFC 5952 canonical format (\"\(usual)\")")
        }
        return warnings
    }

    private static func parse(_ text: String) -> (IPAddress, IPNetwork)? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 2, let bits = Int(parts[1]), let address = IPAddress(IPLiteral.withoutLeadingZeros(parts[0]) ?? parts[0]),
            // Of an address of IPv4 that is written as one of IPv6 the prefix is counted in the long form.
            let network = IPNetwork(address, bits: address.family == .ipv4 && parts[0].contains(":") ? bits - 96 : bits)
        else { return nil }
        return (address, network)
    }
}
