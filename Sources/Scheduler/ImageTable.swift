internal import APIModel
internal import PluginAPI

/// Which Nodes have which images, as their status says. Used by the scheduling thread only.
final class ImageTable {
    private struct Image {
        let size: Int64
        var nodes: [UInt32] = []
    }
    private var images: [String: Image] = [:]
    /// By Node, `status.images` as it was read last.
    private var lists: [Value] = []

    /// Takes a Node's list over, `.null` when it goes.
    func put(_ node: Int, _ list: Value) {
        while lists.count <= node { lists.append(.null) }
        guard lists[node] != list else { return }
        for name in Self.names(lists[node]).keys { remove(name, node) }
        for (name, size) in Self.names(list) { images[name, default: Image(size: size)].nodes.append(UInt32(node)) }
        lists[node] = list
    }

    /// The image, and the Nodes that have it, as long as `lending` lives.
    func lend(_ name: String, uses: Int, _ lending: Lending) -> apus_image {
        let image = images[name]
        let (nodes, count) = lending.lend(image?.nodes ?? [])
        return apus_image(
            name: lending.number(name), uses: UInt32(uses), size: image?.size ?? 0, node_count: count, reserved: 0, nodes: nodes)
    }

    private func remove(_ name: String, _ node: Int) {
        guard var image = images.removeValue(forKey: name) else { return }
        if let place = image.nodes.firstIndex(of: UInt32(node)) {
            image.nodes.swapAt(place, image.nodes.count - 1)
            image.nodes.removeLast()
        }
        if !image.nodes.isEmpty { images[name] = image }
    }

    private static func names(_ list: Value) -> [String: Int64] {
        var names: [String: Int64] = [:]
        for image in list.elements {
            for case let name? in image["names"].elements.map(\.string) {
                names[name] = min(max(image["sizeBytes"].int?.int64 ?? 0, 0), PodRequests.most)
            }
        }
        return names
    }
}
