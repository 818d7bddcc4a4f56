internal import PluginAPI
internal import PluginKit

/// Nodes that have the Pod's images already, the more the larger those are; an image that few Nodes have counts less, so that its Pods do not
/// all end up there.
struct ImageLocality {
    /// What an image is worth at least, and at most a container, in bytes.
    private static let (least, mostPerContainer) = (Int64(23 << 20), Int64(1000 << 20))

    private let images: [apus_image]
    private let containers: Int64

    /// `nil` where no Node has any of the images.
    init?(_ pod: PodNeeds, _ nodes: Nodes) {
        containers = Int64(pod.raw.pointee.container_count)
        images = pod.images.filter { $0.node_count > 0 }
        guard containers > 0, !images.isEmpty, nodes.liveCount > 0 else { return nil }
    }

    /// Writes 0 to 100 points for every Node.
    func rate(_ nodes: Nodes, into points: UnsafeMutablePointer<Int32>) {
        var sums = [Int64](repeating: 0, count: nodes.count)
        for image in images {
            let share = Int64(Double(image.size) * (Double(image.node_count) / Double(nodes.liveCount)))
            for node in UnsafeBufferPointer(start: image.nodes, count: Int(image.node_count)) {
                sums[Int(node)] &+= share &* Int64(image.uses)
            }
        }
        let (least, most) = (Self.least, Self.mostPerContainer * containers)
        for node in 0..<nodes.count { points[node] = Int32(100 * (min(max(sums[node], least), most) - least) / (most - least)) }
    }
}
