extension Ruleset {
    /// Everything one service has in the table: `add` puts it there, `remove` takes it away.
    package struct Part {
        /// Map and set elements by the name of the map.
        package var elements: [(map: String, key: String, value: String?)] = []
        /// Chains with their rules, in the order to make them.
        package var chains: [(name: String, rules: [String])] = []
        /// Sets that remember clients, with the declaration.
        package var sets: [(name: String, declaration: String)] = []
        /// Elements that other services may have, too: who has the last of them takes it away.
        package var shared: [SharedElement] = []

        package init() {}

        /// Has `key` lead to a chain, or nowhere: a Service without endpoints is refused, one whose policy allows none of them is not
        /// answered.
        ///
        /// - Parameters:
        ///   - isAny: whether there are endpoints.
        ///   - isAllowed: whether the policy allows one.
        ///   - letsInside: whether the chain leads those inside of the cluster to endpoints that the policy does not allow others.
        mutating func send(_ key: String, through map: String, to chain: String, isAny: Bool, isAllowed: Bool, letsInside: Bool = false) {
            if isAllowed || isAny && letsInside { elements.append(("service-\(map)", key, "goto \(chain)")) }
            if !isAllowed { elements.append(("no-endpoint-\(map)", key, isAny ? "goto discard" : "goto refuse")) }
        }

        /// - Parameter table: with its family.
        func add(to table: String) -> String {
            var text = ""
            for set in sets { text += "add set \(table) \(set.name) { \(set.declaration) }\n" }
            for chain in chains { text += "add chain \(table) \(chain.name)\n" }
            for chain in chains { for rule in chain.rules { text += "add rule \(table) \(chain.name) \(rule)\n" } }
            for element in elements {
                text += "add element \(table) \(element.map) { \(element.key)\(element.value.map { " : \($0)" } ?? "") }\n"
            }
            return text
        }

        func remove(from table: String) -> String {
            var text = ""
            for element in elements { text += "delete element \(table) \(element.map) { \(element.key) }\n" }
            for chain in chains { text += "flush chain \(table) \(chain.name)\n" }
            for chain in chains.reversed() { text += "delete chain \(table) \(chain.name)\n" }
            for set in sets { text += "delete set \(table) \(set.name)\n" }
            return text
        }
    }

    /// An element of a set that several services can have.
    package struct SharedElement: Hashable, Comparable {
        package var set: String
        package var key: String

        package static func < (one: SharedElement, other: SharedElement) -> Bool { (one.set, one.key) < (other.set, other.key) }
    }
}
