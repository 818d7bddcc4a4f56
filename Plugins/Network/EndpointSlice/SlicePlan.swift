internal import APIModel

/// The fewest changes that turn the slices of one family that there are into those wanted: endpoints stay in the slice they are in.
///
/// Rules: upstream `staging/src/k8s.io/endpointslice`, the reconciler. Who listens to a slice hears nothing of others, so few written slices
/// count for more than full ones.
struct SlicePlan {
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

    private let family: IPFamily
    private let labels: Value
    private let perSlice: Int
    private var created: [Value] = []
    private var updated: [Value] = []
    private var deleted: [Value] = []

    static func changes(
        from existing: [Value], to groups: [Group], _ family: IPFamily, labels: Value, perSlice: Int
    ) -> [Change] {
        var plan = SlicePlan(family: family, labels: labels, perSlice: perSlice)
        var unused = Dictionary(grouping: existing, by: ports)
        for group in groups { plan.place(group, into: unused.removeValue(forKey: Set(group.ports.elements)) ?? []) }
        plan.deleted += existing.filter { unused[ports($0)] != nil }
        plan.keepOne(of: existing)
        plan.recycle()
        return plan.created.map { .create($0) } + plan.updated.map { .update($0) } + plan.deleted.map { .delete(name: name($0)) }
    }

    private init(family: IPFamily, labels: Value, perSlice: Int) { (self.family, self.labels, self.perSlice) = (family, labels, perSlice) }

    /// First what stays, then what is new: into the slices that change anyway, then into one other, where what is left fits, and else into
    /// new ones.
    private mutating func place(_ group: Group, into slices: [Value]) {
        var waiting = Dictionary(group.endpoints.map { (Self.identity($0), $0) }, uniquingKeysWith: { _, last in last })
        var touched: [(slice: Value, endpoints: [Value])] = []
        var untouched: [Value] = []
        for slice in slices {
            let before = slice["endpoints"].elements
            let kept = before.compactMap { waiting.removeValue(forKey: Self.identity($0)) }
            if kept.isEmpty, !before.isEmpty {
                deleted.append(slice)
            } else if kept != before || slice["metadata"]["labels"] != labels {
                touched.append((slice, kept))
            } else {
                untouched.append(slice)
            }
        }
        var new = waiting.sorted { $0.key < $1.key }.map(\.value)[...]
        func take(_ room: Int) -> ArraySlice<Value> {
            defer { new = new.dropFirst(max(0, room)) }
            return new.prefix(max(0, room))
        }
        // The fullest ones first.
        for (slice, kept) in touched.sorted(by: { $0.endpoints.count > $1.endpoints.count }) {
            updated.append(filled(slice, group.ports, kept + take(perSlice - kept.count)))
        }
        while !new.isEmpty {
            if new.count < perSlice, let index = Self.bestFit(untouched, new.count, perSlice) {
                let slice = untouched.remove(at: index)
                updated.append(filled(slice, group.ports, slice["endpoints"].elements + take(new.count)))
            } else {
                created.append(filled(["addressType": .string(family.rawValue)], group.ports, Array(take(perSlice))))
            }
        }
    }

    /// The slice that is nearest to full when so many more are in it.
    private static func bestFit(_ slices: [Value], _ count: Int, _ perSlice: Int) -> Int? {
        let left = slices.map { perSlice - count - $0["endpoints"].elements.count }
        return slices.indices.filter { left[$0] >= 0 }.min { left[$0] < left[$1] }
    }

    /// A Service without Pods keeps one empty slice, which says that somebody looked.
    private mutating func keepOne(of existing: [Value]) {
        guard created.isEmpty, deleted.count == existing.count else { return }
        if deleted.count == 1, deleted[0]["metadata"]["labels"] == labels, deleted[0]["ports"].isEmpty, deleted[0]["endpoints"].isEmpty {
            deleted = []
        } else {
            created.append(filled(["addressType": .string(family.rawValue)], [], []))
        }
    }

    /// Rather another content for a slice than a deleted and a new one.
    private mutating func recycle() {
        while let slice = deleted.first, let wanted = created.popLast() {
            deleted.removeFirst()
            updated.append(filled(slice, wanted["ports"], wanted["endpoints"].elements))
        }
    }

    private func filled(_ slice: Value, _ ports: Value, _ endpoints: [Value]) -> Value {
        var slice = slice
        slice["metadata"]["labels"] = labels
        slice["ports"] = ports
        slice["endpoints"] = .array(endpoints)
        return slice
    }

    private static func name(_ slice: Value) -> String { slice["metadata"]["name"].string ?? "" }

    /// In whichever order. The API shows an empty list as null.
    private static func ports(_ slice: Value) -> Set<Value> { Set(slice["ports"].elements) }

    /// The same for an endpoint before and after a change.
    static func identity(_ endpoint: Value) -> String {
        "\(endpoint["targetRef"]["uid"].string ?? "")/\(endpoint["addresses"][0].string ?? "")"
    }
}
