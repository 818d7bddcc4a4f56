/// A volume of a CSI driver that a Pod needs, and the Nodes that have it attached already.
struct Attachment {
    let driver: String
    let nodes: [UInt32]
}
