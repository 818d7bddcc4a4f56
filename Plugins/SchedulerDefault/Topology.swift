internal import PluginAPI
internal import PluginKit

/// The Nodes by the value of one label, or each by itself. Values are numbered as they come: a *domain* is such a number.
final class Topology {
    /// `nil` for each Node by itself.
    let key: apus_string?
    private var numbers: [apus_string: Int32] = [:]
    /// By Node, its domain; -1 for one without the label.
    private(set) var domains: ContiguousArray<Int32> = []
    /// How many Nodes each domain has, and how many domains have more than one.
    private var nodesIn: ContiguousArray<Int32> = []
    private var crowded = 0
    /// By domain, the numbers of its Nodes, added up: that of the only one, where there is one.
    private var sums: ContiguousArray<Int> = []
    /// The Nodes that are in no domain.
    private(set) var homeless = NodeWords()
    /// The Nodes of each domain; `nil` where there are more than a few domains.
    private(set) var members: ContiguousArray<NodeWords>? = []
    private static let few = 64

    init(_ key: apus_string?) { self.key = key }

    /// Whether what happens on one Node may matter to another.
    var isShared: Bool { crowded > 0 }

    /// Whether most of the domains are of Nodes that went.
    var isWorn: Bool { numbers.count > 2 * domains.count + 1024 }

    /// How many domains were ever seen.
    var count: Int { key == nil ? domains.count : numbers.count }

    /// Looks at a Node anew.
    func update(_ node: Int, _ nodes: Nodes) {
        while domains.count <= node { domains.append(-1) }
        house(node, domains[node], -1)
        domains[node] = nodes.name(node) == 0 ? -1 : number(of: node, nodes)
        house(node, domains[node], 1)
    }

    /// The Node of a domain that has one alone.
    func node(aloneIn domain: Int) -> Int? { domain < nodesIn.count && nodesIn[domain] == 1 ? sums[domain] : nil }

    private func house(_ node: Int, _ domain: Int32, _ number: Int32) {
        guard domain >= 0 else {
            if number > 0 { homeless.insert(node) } else { homeless.remove(node) }
            return
        }
        let domain = Int(domain)
        while nodesIn.count <= domain {
            nodesIn.append(0)
            sums.append(0)
            if nodesIn.count > Self.few { members = nil } else { members?.append(NodeWords()) }
        }
        let before = nodesIn[domain]
        nodesIn[domain] = before + number
        sums[domain] += Int(number) * node
        if number > 0 { members?[domain].insert(node) } else { members?[domain].remove(node) }
        if before > 1 { crowded -= 1 }
        if before + number > 1 { crowded += 1 }
    }

    private func number(of node: Int, _ nodes: Nodes) -> Int32 {
        guard let key else { return Int32(node) }
        guard let value = nodes.label(key, node) else { return -1 }
        if let known = numbers[value] { return known }
        let new = Int32(numbers.count)
        numbers[value] = new
        return new
    }
}

/// The part of a topology in which Pods count: all of it, or the Nodes that some rules let in.
final class Region {
    struct Key: Hashable {
        let topologyKey: apus_string?
        /// The labels that a Node must have, whatever their value.
        var labels: [apus_string] = []
        var rules: NodeRules?
    }

    let topology: Topology
    private let key: Key
    /// By Node, its domain; -1 for one that does not count.
    private(set) var domains: ContiguousArray<Int32> = []
    /// How many Nodes each domain has here, and how many domains have any.
    private(set) var nodesIn: ContiguousArray<Int32> = []
    private(set) var inhabited = 0

    init(_ key: Key, _ topology: Topology) {
        self.key = key
        self.topology = topology
    }

    /// Looks at a Node anew, after its topology did. The Pods there must not be counted just now.
    func update(_ node: Int, _ nodes: Nodes) {
        while domains.count <= node { domains.append(-1) }
        house(domains[node], -1)
        domains[node] = admits(node, nodes) ? topology.domains[node] : -1
        house(domains[node], 1)
    }

    private func house(_ domain: Int32, _ number: Int32) {
        guard domain >= 0 else { return }
        while nodesIn.count < topology.count { nodesIn.append(0) }
        let before = nodesIn[Int(domain)]
        nodesIn[Int(domain)] = before + number
        if (before == 0) != (before + number == 0) { inhabited += Int(number) }
    }

    private func admits(_ node: Int, _ nodes: Nodes) -> Bool {
        guard topology.domains[node] >= 0 else { return false }
        for label in key.labels where nodes.label(label, node) == nil { return false }
        return key.rules?.admit(node, nodes) ?? true
    }
}
