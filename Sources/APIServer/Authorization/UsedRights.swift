public import APIModel

/// One use that somebody made of a rule.
public struct UsedRight: Sendable, Hashable {
    public var verb: String
    public var group: String
    /// With its sub-resource: `pods/status`.
    public var resource: String
    public var name: String

    public init(verb: String, group: String, resource: String, name: String = "") {
        self.verb = verb
        self.group = group
        self.resource = resource
        self.name = name
    }

    init(_ attributes: Attributes) {
        self.init(verb: attributes.verb, group: attributes.group, resource: attributes.qualifiedResource, name: attributes.name)
    }
}

/// What a run used of the rules of a manifest: which of them are too wide, and what the smallest would be.
public struct UsedRights: Sendable {
    private let uses: Set<UsedRight>

    /// - Parameter watched: the kinds that are read from the shared cache, which asks nobody; the manifest must grant reading them.
    public init(_ uses: Set<UsedRight>, watched: [GroupVersionResource]) {
        self.uses = uses.union(
            watched.flatMap { kind in
                ["get", "list", "watch"].map { UsedRight(verb: $0, group: kind.group, resource: kind.resource) }
            })
    }

    /// What the rules grant and nobody used, as `delete pods`. Of a rule for everything of a sort that is nothing, once it was used at all.
    public func unused(of rules: [PolicyRule]) -> [String] {
        rules.flatMap { rule -> [String] in
            if rule.isWide { return uses.contains(where: rule.covers) ? [] : ["\(rule.verbs.sorted()) of \(rule.resources.sorted())"] }
            return rule.resources.sorted().flatMap { resource in
                rule.verbs.subtracting(verbs(of: resource, in: rule)).sorted().map { "\($0) \(resource)" }
            }
        }
    }

    /// The rules without what nobody used, and with what was used and none of them grants.
    public func narrowed(_ rules: [PolicyRule]) -> [PolicyRule] {
        let kept = rules.flatMap { rule -> [PolicyRule] in
            if rule.isWide { return uses.contains(where: rule.covers) || !rule.urls.isEmpty ? [rule] : [] }
            return Self.merged(rule.resources.map { ($0, verbs(of: $0, in: rule)) }) { resources, verbs in
                PolicyRule(verbs: verbs, groups: rule.groups, resources: resources, names: rule.names)
            }
        }
        let missing = Dictionary(grouping: uses.filter { use in !rules.contains { $0.covers(use) } }, by: \.group)
        return kept
            + missing.sorted { $0.key < $1.key }.flatMap { group, uses in
                let verbs = Dictionary(grouping: uses, by: \.resource).mapValues { Set($0.map(\.verb)) }
                return Self.merged(verbs.map { ($0, $1) }) { PolicyRule(verbs: $1, groups: [group], resources: $0) }
            }
    }

    private func verbs(of resource: String, in rule: PolicyRule) -> Set<String> {
        Set(uses.filter { $0.resource == resource && rule.covers($0) }.map(\.verb))
    }

    /// One rule for all resources with the same verbs.
    private static func merged(
        _ verbs: [(resource: String, verbs: Set<String>)], _ rule: (_ resources: Set<String>, _ verbs: Set<String>) -> PolicyRule
    ) -> [PolicyRule] {
        Dictionary(grouping: verbs.filter { !$0.verbs.isEmpty }, by: \.verbs)
            .map { (resources: Set($1.map(\.resource)), verbs: $0) }
            .sorted { ($0.resources.min() ?? "") < ($1.resources.min() ?? "") }
            .map { rule($0.resources, $0.verbs) }
    }
}

extension PolicyRule {
    /// Whether it says "all" anywhere, so that nothing of it can be left out.
    fileprivate var isWide: Bool { verbs.contains("*") || groups.contains("*") || !urls.isEmpty || resources.contains { $0.contains("*") } }

    fileprivate func covers(_ use: UsedRight) -> Bool {
        (verbs.contains("*") || verbs.contains(use.verb)) && (groups.contains("*") || groups.contains(use.group))
            && (names.isEmpty || names.contains(use.name))
            && resources.contains { $0 == "*" || $0 == use.resource || $0.hasPrefix("*/") && use.resource.hasSuffix($0.dropFirst()) }
    }
}
