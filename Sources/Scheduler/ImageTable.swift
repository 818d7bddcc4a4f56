internal import APIModel
internal import PluginAPI

/// Which Nodes have which images, as their status says. Used by the scheduling thread only.
final class ImageTable {
    private struct Image {
        let size: Int64
        var nodes: [UInt32] = []
        /// Grows when other Nodes have it.
        var version: UInt32
    }
    private var lastVersion: UInt32 = 0
    private var images: [String: Image] = [:]
    /// By Node, `status.images` as it was read last.
    private var lists: [Value] = []

    /// Takes a Node's list over, `.null` when it goes.
    func put(_ node: Int, _ list: Value) {
        while lists.count <= node { lists.append(.null) }
        guard lists[node] != list else { return }
        let (before, after) = (Self.names(lists[node]), Self.names(list))
        for (name, size) in before where after[name] != size { remove(name, node) }
        for (name, size) in after where before[name] != size {
            lastVersion &+= 1
            images[name, default: Image(size: size, version: 0)].nodes.append(UInt32(node))
            images[name]?.version = lastVersion
        }
        lists[node] = list
    }

    /// The image, and the Nodes that have it, as long as `lending` lives.
    func lend(_ name: String, uses: Int, _ lending: Lending) -> apus_image {
        let image = images[name]
        let (nodes, count) = lending.lend(image?.nodes ?? [])
        return apus_image(
            name: lending.number(name), uses: UInt32(uses), size: image?.size ?? 0, node_count: count, version: image?.version ?? 0,
            nodes: nodes)
    }

    /// Zero for one that no Node has.
    func version(of name: String) -> UInt32 { images[name]?.version ?? 0 }

    private func remove(_ name: String, _ node: Int) {
        guard var image = images.removeValue(forKey: name) else { return }
        if let place = image.nodes.firstIndex(of: UInt32(node)) {
            image.nodes.swapAt(place, image.nodes.count - 1)
            image.nodes.removeLast()
        }
        lastVersion &+= 1
        image.version = lastVersion
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
