internal import APIModel
internal import OrderedCollections

/// Which devices claims have, kept up to date with each of them. Used by the scheduling thread only.
struct DevicesInUse {
    /// Those that one claim has for itself.
    private var own: [DeviceName: Int] = [:]
    /// Of those that are shared, how much of each capacity is taken, and by how many.
    private var shared: [DeviceName: (users: Int, taken: [String: Quantity])] = [:]

    func isTaken(_ device: DeviceName) -> Bool { own[device] != nil }
    func isShared(_ device: DeviceName) -> Bool { shared[device] != nil }
    func taken(of capacity: String, _ device: DeviceName) -> Quantity { shared[device]?.taken[capacity] ?? .zero }

    /// - Parameter allocation: `status.allocation` of a claim.
    mutating func add(_ allocation: Value) { count(allocation, 1) }
    mutating func remove(_ allocation: Value) { count(allocation, -1) }

    private mutating func count(_ allocation: Value, _ change: Int) {
        // Who looks after devices keeps them from nobody.
        for result in allocation["devices"]["results"].elements where result["adminAccess"].bool != true {
            let device = DeviceName(result)
            guard !result["shareID"].isNull else {
                let users = (own[device] ?? 0) + change
                own[device] = users > 0 ? users : nil
                continue
            }
            var state = shared[device] ?? (0, [:])
            state.users += change
            for (name, value) in result["consumedCapacity"].fields {
                guard let quantity = value.string.flatMap({ try? Quantity($0) }) else { continue }
                state.taken[name, default: .zero] += change > 0 ? quantity : .zero - quantity
            }
            shared[device] = state.users > 0 ? state : nil
        }
    }
}
