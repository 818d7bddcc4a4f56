extension Ruleset {
    /// Everything one service has in the table.
    package struct Part {
        package var elements: [Element] = []
        /// Chains with their rules, in the order to make them.
        package var chains: [(name: String, rules: [String])] = []
        /// Sets that remember clients, with the declaration.
        package var sets: [(name: String, declaration: String)] = []
        /// Elements that other services may have, too: who has the last of them takes it away.
        package var shared: [Element] = []
        /// The chains whose endpoints have numbers.
        var numbered: Set<String> = []

        package init() {}

        /// Has `key` lead to a chain, or nowhere: a Service without endpoints is refused, one whose policy allows none of them is not
        /// answered.
        ///
        /// - Parameters:
        ///   - isAny: whether there are endpoints.
        ///   - isAllowed: whether the policy allows one.
        ///   - letsInside: whether the chain leads those inside of the cluster to endpoints that the policy does not allow others.
        mutating func send(_ key: String, through map: String, to chain: String, isAny: Bool, isAllowed: Bool, letsInside: Bool = false) {
            if isAllowed || isAny && letsInside { elements.append(Element("service-\(map)", key, "goto \(chain)")) }
            if !isAllowed { elements.append(Element("no-endpoint-\(map)", key, isAny ? "goto discard" : "goto refuse")) }
        }
    }

    /// An element of a set, or of a map, where it has a value.
    package struct Element: Hashable, Comparable {
        package var set: String
        package var key: String
        package var value: String?

        init(_ set: String, _ key: String, _ value: String? = nil) { (self.set, self.key, self.value) = (set, key, value) }

        package static func < (one: Element, other: Element) -> Bool { (one.set, one.key) < (other.set, other.key) }
    }
}
