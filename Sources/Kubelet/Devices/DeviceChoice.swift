import APIModel

extension DeviceBook {
    enum Choice: Equatable, Sendable {
        /// It has what it asks for.
        case nothing
        /// The plugin may say which of these it would rather give away, `including` among them.
        case ask(available: Set<String>, including: Set<String>, count: Int)
        case devices(Set<String>)
    }

    struct Refusal: Error, Equatable, CustomStringConvertible { var description: String }

    /// Which devices a container gets. Upstream: `devicesToAllocate`.
    /// - Parameters:
    ///   - reusable: those it may have although they are given away.
    ///   - affinity: the NUMA nodes it should be near; `nil` where that is all the same.
    ///   - preferred: what the plugin said; `nil` before it was asked.
    func choose(_ owner: Owner, _ count: Int, reusable: Set<String>, affinity: Set<Int>? = nil, preferred: Set<String>? = nil)
        throws(Refusal) -> Choice
    {
        let name = owner.resource
        let had = self[owner]?.ids
        if let had, had.count != count {
            throw Refusal(
                description:
                    "pod \"\(owner.pod)\" container \"\(owner.container)\" changed request for resource \"\(name)\" from \(had.count) to \(count)"
            )
        }
        guard let resource = resources[name] else { throw Refusal(description: "cannot allocate unregistered device \(name)") }
        let healthy = resource.healthy
        if healthy.isEmpty { throw Refusal(description: "no healthy devices present; cannot allocate unhealthy devices \(name)") }
        guard had.map(healthy.isSuperset) ?? true else {
            throw Refusal(description: "previously allocated devices are no longer healthy; cannot allocate unhealthy devices \(name)")
        }
        if had != nil || count == 0 { return .nothing }

        var chosen = Pick(count: count)
        if chosen.take(reusable) { return .devices(chosen.ids) }
        let available = healthy.subtracting(taken(name))
        guard available.count >= chosen.missing else {
            throw Refusal(
                description:
                    "requested number of devices unavailable for \(name). Requested: \(chosen.missing), Available: \(available.count)")
        }
        let (near, far, anywhere) = sorted(available, resource, by: affinity)
        let mayPrefer = resource.plugin?.prefers ?? false
        if chosen.missing < near.count {
            if mayPrefer, preferred == nil {
                return .ask(available: near.union(chosen.ids), including: chosen.ids, count: count)
            }
            if chosen.take(near.intersection(preferred ?? [])) { return .devices(chosen.ids) }
            _ = chosen.take(near)
            return .devices(chosen.ids)
        }
        // What is near is taken, whatever the plugin likes better.
        if chosen.take(near) { return .devices(chosen.ids) }
        if mayPrefer, preferred == nil { return .ask(available: available.union(chosen.ids), including: chosen.ids, count: count) }
        if chosen.take(available.intersection(preferred ?? [])) || chosen.take(far) || chosen.take(anywhere) { return .devices(chosen.ids) }
        return .devices(chosen.ids)
    }

    /// The NUMA nodes where a container could get its devices; `nil` where nobody says where they are.
    func hints(_ owner: Owner, _ count: Int, reusable: Set<String>, nodes: NodeMask) -> [TopologyHint]? {
        guard let resource = resources[owner.resource], resource.devices.values.contains(where: { !$0.nodes.isEmpty }) else { return nil }
        func places(_ ids: some Sequence<String>) -> [Set<Int>] { ids.compactMap { resource.devices[$0]?.nodes }.filter { !$0.isEmpty } }
        func hints(_ available: Set<String>, _ required: Set<String>) -> [TopologyHint] {
            TopologyHint.hints(
                for: count, nodes: nodes, all: places(resource.devices.keys), available: places(available.subtracting(required)),
                required: places(required))
        }
        if let had = self[owner]?.ids { return had.count == count ? hints(had, []) : [] }
        let available = resource.healthy.subtracting(taken(owner.resource))
        return available.union(reusable).count < count ? [] : hints(available, reusable)
    }

    private struct Pick {
        let count: Int
        var ids: Set<String> = []
        var missing: Int { count - ids.count }

        /// Answers whether that is enough. The first by name, so that the same comes of the same.
        mutating func take(_ from: Set<String>) -> Bool {
            ids.formUnion(from.subtracting(ids).sorted().prefix(missing))
            return missing == 0
        }

        init(count: Int) { self.count = count }
    }

    private func taken(_ resource: String) -> Set<String> {
        grants.values.reduce(into: []) { ids, containers in
            for grants in containers.values { ids.formUnion(grants[resource]?.ids ?? []) }
        }
    }

    /// Those near the nodes, those near others, and those of which nobody says where they are. Upstream: `filterByAffinity`.
    private func sorted(_ available: Set<String>, _ resource: Resource, by affinity: Set<Int>?) -> (Set<String>, Set<String>, Set<String>) {
        guard let affinity, resource.devices.values.contains(where: { !$0.nodes.isEmpty }) else { return ([], [], available) }
        var (near, far, anywhere) = (Set<String>(), Set<String>(), Set<String>())
        for id in available {
            let nodes = resource.devices[id]?.nodes ?? []
            if nodes.isEmpty { anywhere.insert(id) } else if nodes.isDisjoint(with: affinity) { far.insert(id) } else { near.insert(id) }
        }
        return (near, far, anywhere)
    }
}
