internal import APIModel

/// The fewest changes that turn the slices of one family that there are into those wanted: endpoints stay in the slice they are in.
enum SlicePlan {
    /// Endpoints with the same ports.
    struct Group {
        var ports: Value
        var endpoints: [Value]
    }

    enum Change: Equatable {
        /// Labels, addressType, ports and endpoints of a new slice.
        case create(Value)
        case update(Value)
        case delete(name: String)
    }

    static func changes(
        from existing: [Value], to groups: [Group], _ family: IPFamily, labels: Value, perSlice: Int
    ) -> [Change] {
        // A Service without Pods keeps one empty slice, which says that somebody looked.
        let groups = groups.isEmpty ? [Group(ports: .array([]), endpoints: [])] : groups
        var changes: [Change] = []
        var unused = existing
        for group in groups {
            var slices = unused.filter { ports($0) == group.ports }
            unused.removeAll { ports($0) == group.ports }
            if slices.isEmpty, group.endpoints.isEmpty, !unused.isEmpty {
                // Rather an emptied slice than a deleted and a new one.
                slices = [unused.removeFirst()]
            }
            changes += place(group, into: slices, family, labels: labels, perSlice: perSlice)
        }
        return changes + unused.map { .delete(name: $0["metadata"]["name"].string ?? "") }
    }

    private static func place(
        _ group: Group, into slices: [Value], _ family: IPFamily, labels: Value, perSlice: Int
    ) -> [Change] {
        var waiting: [String: Value] = [:]
        for endpoint in group.endpoints { waiting[identity(endpoint)] = endpoint }
        // First what stays, then what is new, into the slices that change anyway, and only then into further ones.
        var kept = slices.map { slice in slice["endpoints"].elements.compactMap { waiting.removeValue(forKey: identity($0)) } }
        var new = waiting.sorted { $0.key < $1.key }.map(\.value)[...]
        let order = kept.indices.sorted { left, right in
            let leftChanges = kept[left] != slices[left]["endpoints"].elements
            let rightChanges = kept[right] != slices[right]["endpoints"].elements
            return leftChanges != rightChanges ? leftChanges : left < right
        }
        for index in order {
            let room = new.prefix(max(0, perSlice - kept[index].count))
            kept[index] += room
            new = new.dropFirst(room.count)
        }
        var changes: [Change] = []
        var hasOne = false
        for (index, slice) in slices.enumerated() {
            if kept[index].isEmpty, hasOne || index < slices.count - 1 || !new.isEmpty {
                changes.append(.delete(name: slice["metadata"]["name"].string ?? ""))
                continue
            }
            hasOne = true
            // The API shows an empty list as null: lists are compared by what is in them.
            let isAsWanted =
                slice["metadata"]["labels"] == labels && ports(slice) == group.ports && slice["endpoints"].elements == kept[index]
            guard !isAsWanted else { continue }
            var updated = slice
            fill(&updated, group.ports, kept[index], labels)
            changes.append(.update(updated))
        }
        while !new.isEmpty || !hasOne {
            var slice: Value = ["addressType": .string(family.rawValue)]
            fill(&slice, group.ports, Array(new.prefix(perSlice)), labels)
            new = new.dropFirst(perSlice)
            hasOne = true
            changes.append(.create(slice))
        }
        return changes
    }

    private static func fill(_ slice: inout Value, _ ports: Value, _ endpoints: [Value], _ labels: Value) {
        slice["metadata"]["labels"] = labels
        slice["ports"] = ports
        slice["endpoints"] = .array(endpoints)
    }

    private static func ports(_ slice: Value) -> Value { .array(slice["ports"].elements) }

    /// The same for an endpoint before and after a change.
    static func identity(_ endpoint: Value) -> String {
        "\(endpoint["targetRef"]["uid"].string ?? "")/\(endpoint["addresses"][0].string ?? "")"
    }
}
