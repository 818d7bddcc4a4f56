/// A family of addresses by the kernel's number.
enum KernelFamily: UInt8 {
    case ipv4 = 2
    case ipv6 = 10

    /// - Parameter address: 4 bytes, or 16.
    init(of address: [UInt8]) { self = address.count == 4 ? .ipv4 : .ipv6 }

    /// Bytes of an address.
    var size: Int { self == .ipv4 ? 4 : 16 }
}
