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
}
