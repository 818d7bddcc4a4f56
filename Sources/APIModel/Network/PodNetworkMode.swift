/// How the pods of a Node and those of others reach each other.
public enum PodNetworkMode: String, Sendable, CaseIterable {
    /// By the Node's own address, which has to be on a network that the other has a link to.
    case routes = "Routes"
    /// Inside of packets between the Nodes.
    case vxlan = "VXLAN"
    /// As somebody else sees to it.
    case none = "None"

    /// The label that says it; a Node without it is as with `None`.
    public static let label = "networking.apus.dev/pod-network"

    /// How many bytes longer a packet is between Nodes whose addresses are of this family. VXLAN: an Ethernet head inside, its own, UDP and IP
    /// (RFC 7348).
    public func overhead(_ family: IPFamily) -> Int {
        switch (self, family) {
        case (.routes, _), (.none, _): 0
        case (.vxlan, .ipv4): 50
        case (.vxlan, .ipv6): 70
        }
    }
}
