internal import FileSystem

/// The pod network: a bridge with the node's pod CIDR, addresses by host-local, hairpin so that a Pod reaches itself through its Service.
///
/// Masquerading is left to the service proxy, which owns the packet filter: the bridge plugin's own would leave iptables rules behind.
public struct CNIConfiguration: Sendable {
    public var bridge: String
    /// The network's name; also names what libcni caches.
    public var network: String
    /// Zero means as the bridge plugin chooses.
    public var mtu: Int

    public init(bridge: String = "apus0", network: String = "apus", mtu: Int = 0) {
        self.bridge = bridge
        self.network = network
        self.mtu = mtu
    }

    /// The MTU of the interface that the default route leaves by, that of IPv4 where there is one, 0 when there is none: what a Pod sends
    /// must fit there, too.
    public static func mtuOfDefaultRoute() -> Int {
        // Name, destination and gateway in hexadecimal, …
        let ipv4 = words("/proc/net/route").first { $0.count > 1 && $0[1] == "00000000" }?.first
        // Destination, the length of its prefix, …, and the name last. What is not routed leads to the loopback interface.
        let ipv6 = words("/proc/net/ipv6_route").first { $0.count == 10 && $0[1] == "00" && $0[9] != "lo" }?.last
        guard let name = ipv4 ?? ipv6, let text = Files.text("/sys/class/net/\(name)/mtu") else { return 0 }
        return Int(text.prefix { $0.isNumber }) ?? 0
    }

    private static func words(_ table: String) -> [[Substring]] {
        (Files.text(table) ?? "").split(separator: "\n").map { $0.split { $0 == " " || $0 == "\t" } }
    }

    /// Writes the network's configuration for a node's pod CIDRs (`10.244.0.0/24`), of which each pod gets an address of each. containerd
    /// watches the directory and takes it up at once, also while it runs. Does nothing when the file already says the same.
    public func write(podCIDRs: [String], to paths: ContainerdPaths) throws(ContainerdError) {
        let file = paths.cniConfiguration + "/10-apus.conflist"
        let wanted = Array(json(podCIDRs: podCIDRs, dataDirectory: paths.cniData).utf8)
        if Files.read(file) == wanted { return }
        try ContainerdError.telling { () throws(Files.Failure) in
            try Files.makeDirectory(paths.cniConfiguration, mode: 0o711)
            try Files.replace(file, wanted, mode: 0o600, durable: false)
        }
    }

    func json(podCIDRs: [String], dataDirectory: String) -> String {
        let ranges = podCIDRs.map { "[{ \"subnet\": \"\($0)\" }]" }.joined(separator: ", ")
        let routes = podCIDRs.map { "{ \"dst\": \"\($0.contains(":") ? "::/0" : "0.0.0.0/0")\" }" }.joined(separator: ", ")
        let mtu = mtu > 0 ? "\n      \"mtu\": \(mtu)," : ""
        return """
            {
              "cniVersion": "0.4.0",
              "name": "\(network)",
              "plugins": [
                {
                  "type": "bridge",
                  "bridge": "\(bridge)",\(mtu)
                  "isGateway": true,
                  "ipMasq": false,
                  "hairpinMode": true,
                  "ipam": {
                    "type": "host-local",
                    "dataDir": "\(dataDirectory)",
                    "ranges": [\(ranges)],
                    "routes": [\(routes)]
                  }
                }
              ]
            }

            """
    }
}
