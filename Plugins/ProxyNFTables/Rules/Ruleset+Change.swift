extension Ruleset {
    /// What makes one state of some services of another, in the order in which the kernel takes it: nothing may lead to a chain that goes, and
    /// a chain is there before something leads to it.
    struct Change {
        var leaving: [Element] = []
        /// The commands that take chains and sets away.
        var removal = ""
        /// The commands that put them in place.
        var addition = ""
        var coming: [Element] = []

        static func += (change: inout Change, other: Change) {
            change.leaving += other.leaving
            change.removal += other.removal
            change.addition += other.addition
            change.coming += other.coming
        }
    }

    /// For one transaction.
    func commands(_ change: Change) -> String {
        commands("delete", change.leaving) + change.removal + change.addition + commands("add", change.coming)
    }

    /// Puts elements there, or takes them away, with one command for each set.
    private func commands(_ verb: String, _ elements: [Element]) -> String {
        var text = ""
        var set: String?
        for element in elements.sorted() {
            text += element.set == set ? ", " : "\(set == nil ? "" : " }\n")\(verb) element \(table) \(element.set) { "
            text += element.key
            if verb == "add", let value = element.value { text += " : \(value)" }
            set = element.set
        }
        return set == nil ? "" : text + " }\n"
    }

    /// What makes `new` of `old`, both of one service, `nil` for none.
    ///
    /// What both have stays as it is. So the sets of session affinity, which know where each client went, outlive that other endpoints come
    /// and go. Shared elements are left to whoever counts them.
    func change(from old: Part?, to new: Part?) -> Change {
        let (old, new) = (old ?? Part(), new ?? Part())
        let (oldSets, newSets) = (Self.dictionary(old.sets), Self.dictionary(new.sets))
        // A set with another timeout is another set, and rules that name it must go first.
        if oldSets.contains(where: { newSets[$0.key] != nil && newSets[$0.key] != $0.value }) {
            var change = change(from: old, to: nil)
            change += self.change(from: nil, to: new)
            return change
        }
        let (oldChains, newChains) = (Self.dictionary(old.chains), Self.dictionary(new.chains))
        let (oldElements, newElements) = (Set(old.elements), Set(new.elements))

        var change = Change()
        change.leaving = old.elements.filter { !newElements.contains($0) }
        for chain in old.chains where newChains[chain.name] != chain.rules { change.removal += "flush chain \(table) \(chain.name)\n" }
        for chain in old.chains.reversed() where newChains[chain.name] == nil { change.removal += "delete chain \(table) \(chain.name)\n" }
        for set in old.sets where newSets[set.name] == nil { change.removal += "delete set \(table) \(set.name)\n" }

        for set in new.sets where oldSets[set.name] == nil { change.addition += "add set \(table) \(set.name) { \(set.declaration) }\n" }
        let other = new.chains.filter { oldChains[$0.name] != $0.rules }
        for chain in other { change.addition += "add chain \(table) \(chain.name)\n" }
        for chain in other { for rule in chain.rules { change.addition += "add rule \(table) \(chain.name) \(rule)\n" } }
        change.coming = new.elements.filter { !oldElements.contains($0) }
        return change
    }

    private static func dictionary<Content>(_ named: [(name: String, Content)]) -> [String: Content] {
        Dictionary(named.map { ($0.name, $0.1) }, uniquingKeysWith: { first, _ in first })
    }
}
