extension Ruleset {
    /// The commands that make `new` of `old`, both of one service, `nil` for none: those that take away, and those that put in place.
    ///
    /// What both have stays as it is. So the sets of session affinity, which know where each client went, outlive that other endpoints come
    /// and go. Shared elements are left to whoever counts them.
    package func change(from old: Part?, to new: Part?) -> (remove: String, add: String) {
        guard let old, let new else { return (old?.remove(from: table) ?? "", new?.add(to: table) ?? "") }
        let (oldSets, newSets) = (Self.dictionary(old.sets), Self.dictionary(new.sets))
        // A set with another timeout is another set, and rules that name it must go first.
        if oldSets.contains(where: { newSets[$0.key] != nil && newSets[$0.key] != $0.value }) {
            return (old.remove(from: table), new.add(to: table))
        }
        let (oldChains, newChains) = (Self.dictionary(old.chains), Self.dictionary(new.chains))

        var remove = ""
        for element in old.elements where !new.elements.contains(where: { $0 == element }) {
            remove += "delete element \(table) \(element.map) { \(element.key) }\n"
        }
        for chain in old.chains where newChains[chain.name] != chain.rules { remove += "flush chain \(table) \(chain.name)\n" }
        for chain in old.chains.reversed() where newChains[chain.name] == nil { remove += "delete chain \(table) \(chain.name)\n" }
        for set in old.sets where newSets[set.name] == nil { remove += "delete set \(table) \(set.name)\n" }

        var come = Part()
        come.sets = new.sets.filter { oldSets[$0.name] == nil }
        come.chains = new.chains.filter { oldChains[$0.name] != $0.rules }
        come.elements = new.elements.filter { element in !old.elements.contains { $0 == element } }
        return (remove, come.add(to: table))
    }

    private static func dictionary<Content>(_ named: [(name: String, Content)]) -> [String: Content] {
        Dictionary(named.map { ($0.name, $0.1) }, uniquingKeysWith: { first, _ in first })
    }
}
