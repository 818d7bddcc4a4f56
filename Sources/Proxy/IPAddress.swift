internal import Glibc
internal import PluginAPI

/// Reads and writes addresses in the form the proxy ABI carries.
enum IPAddress {
    /// The address in `text`, `nil` where it is none.
    static func parse(_ text: String) -> apus_address? {
        var address = apus_address()
        let isIPv6 = text.utf8.contains(UInt8(ascii: ":"))
        let parsed = withUnsafeMutableBytes(of: &address.bytes) { inet_pton(isIPv6 ? AF_INET6 : AF_INET, text, $0.baseAddress!) }
        guard parsed == 1 else { return nil }
        address.family = isIPv6 ? 6 : 4
        return address
    }

    /// The network in `text`, `192.0.2.0/24`, `nil` where it is none.
    static func network(_ text: String) -> apus_address? {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, var address = parse(String(parts[0])), let prefix = UInt8(parts[1]),
            prefix <= (address.family == 4 ? 32 : 128)
        else { return nil }
        address.prefix = prefix
        return address
    }
}
