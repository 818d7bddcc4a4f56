/// All ResourceSlices, and what each Node reaches of their pools. What a Node reaches of a pool is found out once, until a slice of the
/// pool changes or the Node's labels do: that costs as much as the pool is large.
struct DeviceSlices {
    private struct Reached {
        let labels: [String: String]
        let pool: DevicePool?
    }

    private var slices: [String: DeviceSlice] = [:]
    /// By pool, the names of its slices.
    private var pools: [DevicePool.Name: Set<String>] = [:]
    /// By Node, the pools with slices of it alone, and in how many; the others may be anybody's.
    private var local: [String: [DevicePool.Name: Int]] = [:]
    private var shared: [DevicePool.Name: Int] = [:]
    private var reached: [DevicePool.Name: [String: Reached]] = [:]

    mutating func put(_ name: String, _ slice: DeviceSlice?) {
        if let old = slices.removeValue(forKey: name) {
            pools[old.pool]?.remove(name)
            if pools[old.pool]?.isEmpty == true { pools[old.pool] = nil }
            count(old, -1)
        }
        guard let slice else { return }
        slices[name] = slice
        pools[slice.pool, default: []].insert(name)
        count(slice, 1)
    }

    private mutating func count(_ slice: DeviceSlice, _ change: Int) {
        reached[slice.pool] = nil
        if let node = slice.nodeName {
            let count = (local[node]?[slice.pool] ?? 0) + change
            local[node, default: [:]][slice.pool] = count > 0 ? count : nil
            if local[node]?.isEmpty == true { local[node] = nil }
        } else {
            let count = (shared[slice.pool] ?? 0) + change
            shared[slice.pool] = count > 0 ? count : nil
        }
    }

    mutating func pools(for node: VolumeMatch.Place) -> [DevicePool] {
        let names = Set(shared.keys).union((local[node.name] ?? [:]).keys)
        return names.compactMap { name in
            if let known = reached[name]?[node.name], known.labels == node.labels { return known.pool }
            let pool = DevicePool(name, (pools[name] ?? []).compactMap { slices[$0] }, for: node)
            reached[name, default: [:]][node.name] = Reached(labels: node.labels, pool: pool)
            return pool
        }
    }

    mutating func forget(node: String) { for name in reached.keys { reached[name]?[node] = nil } }
}
