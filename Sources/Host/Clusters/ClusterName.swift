internal import APIModel

/// One of the clusters of this machine, and everything that is called or numbered after it, so that two do not meet.
///
/// The one that nobody named has the number 0 and the names that were always there. Each other has a number of its own, from
/// `ClusterRegistry`, for as long as its data is there: addresses of its Services and pods stand in its store.
struct ClusterName: Equatable, Sendable {
    /// What the one is called that nobody named.
    static let unnamed = "apus"
    static let first = ClusterName(name: unnamed, number: 0)
    /// How many there may be on one machine: so many ranges and marks there are.
    static let numbers = 1...63

    let name: String
    let number: Int

    /// Whether `text` can be a name: a label of at most 40 characters, for it stands in paths and contexts.
    static func isName(_ text: String) -> Bool {
        func isPlain(_ character: Character) -> Bool { character.isASCII && (character.isLowercase || character.isNumber) }
        return 1...40 ~= text.count && text.allSatisfy { isPlain($0) || $0 == "-" } && isPlain(text.first!) && isPlain(text.last!)
    }

    /// What names in the kernel begin with, and what libcni calls the pods' network: `apus`, `apus2`.
    var prefix: String { number == 0 ? Self.unnamed : "\(Self.unnamed)\(number)" }

    /// The bridge of its pods: `apus0`, `apus2`.
    var bridge: String { "\(Self.unnamed)\(number)" }
    /// A table of the packet filter: `apus-proxy`, `apus2-proxy`.
    func table(_ what: String) -> String { "\(prefix)-\(what)" }
    /// The context, cluster and user in ~/.kube/config.
    var context: String { name == Self.unnamed ? name : "\(Self.unnamed)-\(name)" }
    /// Below which pods have their control groups; empty for the top.
    var cgroupRoot: String { number == 0 ? "" : "/\(prefix)" }

    func serviceCIDR(_ family: IPFamily) -> IPNetwork {
        Self.network(family == .ipv4 ? "10.\(96 + number).0.0/16" : "fd00:10:\(96 + number)::/112")
    }
    func clusterCIDR(_ family: IPFamily) -> IPNetwork {
        Self.network(family == .ipv4 ? "10.\(244 - number).0.0/16" : "fd00:10:\(244 - number)::/56")
    }
    private static func network(_ text: String) -> IPNetwork {
        guard let network = IPNetwork(text) else { fatalError("\(text) is no network") }
        return network
    }
    var securePort: Int { 6443 + number }
    var kubeletPort: Int { number == 0 ? 10250 : 11250 + number }

    /// By which the kernel keeps apart addresses of load balancers that stand on links here, and those of Services on loopback; `nil` for
    /// what the plugins have by themselves.
    var linkMark: Int? { number == 0 ? nil : 0x40 + number }
    var serviceMark: Int? { number == 0 ? nil : 0xc0 + number }

    /// How it is named on a command line.
    var flags: String { name == Self.unnamed ? "" : " --name \(name)" }
}
