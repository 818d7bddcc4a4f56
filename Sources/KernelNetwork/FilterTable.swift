/// A table of nftables as it is wanted: sets, maps and chains, and the commands that make it so of what is in force.
///
/// It remembers what was touched since, and what that was before: what comes back to what it was costs no command, and neither does what
/// was not touched.
public struct FilterTable: Sendable {
    public struct Content: Equatable, Sendable {
        /// `set x { type ipv4_addr; }` without the name: `set` or `map`, and what is between the braces; `typeof …` where no name of a type
        /// says it.
        public var kind: String
        public var type: String
        /// What stands behind each key; empty in a set.
        public var elements: [String: String] = [:]
    }

    public let name: String
    public let family: FilterFamily
    /// As commands name it: `ip apus-proxy`.
    public var place: String { "\(family) \(name)" }
    public private(set) var sets: [String: Content] = [:]
    public private(set) var chains: [String: [String]] = [:]

    private var setsBefore: [String: Content?] = [:]
    private var elementsBefore: [String: [String: String?]] = [:]
    private var chainsBefore: [String: [String]?] = [:]

    public init(name: String, family: FilterFamily) { (self.name, self.family) = (name, family) }

    public mutating func addSet(_ set: String, _ kind: String = "set", type: String) {
        note(set)
        sets[set] = Content(kind: kind, type: type)
    }

    public mutating func removeSet(_ set: String) {
        note(set)
        sets[set] = nil
    }

    /// A set whose elements change is not noted as a whole: it can be large.
    private mutating func note(_ set: String) {
        guard !setsBefore.keys.contains(set) else { return }
        var before = sets[set]
        for (key, value) in elementsBefore.removeValue(forKey: set) ?? [:] { before?.elements[key] = value }
        setsBefore[set] = .some(before)
    }

    /// - Parameter value: `nil` takes the element away. Does nothing where there is no such set.
    public mutating func setElement(_ key: String, to value: String?, in set: String) {
        let before = sets[set]?.elements[key]
        guard sets.keys.contains(set), before != value else { return }
        if !setsBefore.keys.contains(set), elementsBefore[set]?.keys.contains(key) != true {
            elementsBefore[set, default: [:]].updateValue(before, forKey: key)
        }
        sets[set]?.elements[key] = value
    }

    /// - Parameter rules: `nil` takes the chain away.
    public mutating func setChain(_ chain: String, _ rules: [String]?) {
        guard chains[chain] != rules else { return }
        if !chainsBefore.keys.contains(chain) { chainsBefore[chain] = .some(chains[chain]) }
        chains[chain] = rules
    }

    /// What is wanted is in force now.
    public mutating func didPutInForce() {
        setsBefore = [:]
        elementsBefore = [:]
        chainsBefore = [:]
    }

    /// Takes the table away, whether it is there or not.
    public var removal: String { "add table \(place)\ndelete table \(place)\n" }

    /// All of it anew, whatever is in force.
    public var whole: String {
        var commands = removal + "add table \(place)\n"
        add(sets.sorted { $0.key < $1.key }, chains.sorted { $0.key < $1.key }, to: &commands)
        return commands
    }

    /// What makes the wanted of what is in force; empty where they are the same. To be run as one transaction.
    public var change: String {
        var commands = ""
        var new: [(String, Content)] = []
        var goneSets: [String] = []
        var changes = elementsBefore
        for (set, before) in setsBefore.sorted(by: { $0.key < $1.key }) {
            let now = sets[set]
            guard before != now else { continue }
            if let before, let now, (before.kind, before.type) == (now.kind, now.type) {
                for key in Set(before.elements.keys).union(now.elements.keys) { changes[set, default: [:]][key] = before.elements[key] }
                continue
            }
            if before != nil { goneSets.append(set) }
            if let now { new.append((set, now)) }
        }
        var additions: [(String, [String: String])] = []
        for (set, before) in changes.sorted(by: { $0.key < $1.key }) {
            let now = sets[set]?.elements ?? [:]
            let different = before.filter { $0.value != now[$0.key] }
            let gone = different.filter { $0.value != nil }.keys.sorted()
            if !gone.isEmpty { commands += "delete element \(place) \(set) { \(gone.joined(separator: ", ")) }\n" }
            let come = different.keys.compactMap { key in now[key].map { (key, $0) } }
            additions.append((set, Dictionary(uniqueKeysWithValues: come)))
        }
        let touched = chainsBefore.filter { chains[$0.key] != $0.value }.sorted { $0.key < $1.key }
        for (chain, before) in touched where before != nil { commands += "flush chain \(place) \(chain)\n" }
        for (chain, before) in touched where before != nil && chains[chain] == nil { commands += "delete chain \(place) \(chain)\n" }
        for set in goneSets { commands += "delete set \(place) \(set)\n" }
        add(new, touched.compactMap { chain, _ in chains[chain].map { (chain, $0) } }, to: &commands)
        for (set, elements) in additions { add(elements, to: set, &commands) }
        return commands
    }

    private func add(_ sets: [(String, Content)], _ chains: [(String, [String])], to commands: inout String) {
        for (set, content) in sets {
            let type = content.type.hasPrefix("typeof ") ? content.type : "type \(content.type)"
            commands += "add \(content.kind) \(place) \(set) { \(type); }\n"
        }
        // All of them before the first rule, which may lead to any.
        for (chain, rules) in chains { commands += "add chain \(place) \(chain)\(Self.hook(rules).map { " { \($0) }" } ?? "")\n" }
        for (chain, rules) in chains {
            for rule in rules where !Self.isHook(rule) { commands += "add rule \(place) \(chain) \(rule)\n" }
        }
        for (set, content) in sets { add(content.elements, to: set, &commands) }
    }

    private func add(_ elements: [String: String], to set: String, _ commands: inout String) {
        guard !elements.isEmpty else { return }
        let texts = elements.sorted { $0.key < $1.key }.map { $1.isEmpty ? $0 : "\($0) : \($1)" }
        commands += "add element \(place) \(set) { \(texts.joined(separator: ", ")) }\n"
    }

    /// Where the kernel enters a chain stands before its rules.
    private static func isHook(_ rule: String) -> Bool { rule.hasPrefix("type ") }
    private static func hook(_ rules: [String]) -> String? { rules.first.flatMap { isHook($0) ? $0 : nil } }

    /// What is there once it is in force.
    public var shape: TableShape {
        TableShape(sets: Set(sets.keys), chains: chains.mapValues { rules in rules.count { !Self.isHook($0) } })
    }
}
