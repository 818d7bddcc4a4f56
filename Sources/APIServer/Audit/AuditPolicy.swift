import APIModel

/// `--audit-policy-file`: how much is written down about which requests. The first rule that a request fits decides; one that fits none is
/// not written down.
public struct AuditPolicy: Sendable {
    /// How much.
    public enum Level: String, CaseIterable, Sendable, Comparable {
        case none = "None"
        case metadata = "Metadata"
        case request = "Request"
        case requestResponse = "RequestResponse"

        private var order: Int { Self.allCases.firstIndex(of: self) ?? 0 }
        public static func < (left: Level, right: Level) -> Bool { left.order < right.order }
    }

    /// When.
    enum Stage: String, CaseIterable, Sendable {
        case requestReceived = "RequestReceived"
        /// The head of an answer that goes on for long is out.
        case responseStarted = "ResponseStarted"
        case responseComplete = "ResponseComplete"
        case panic = "Panic"
    }

    /// What becomes of one request.
    struct Decision: Sendable {
        var level = Level.none
        var omittedStages: Set<Stage> = []
        var omitsManagedFields = false
    }

    private struct Resources: Sendable {
        var group: String
        var resources: Set<String>
        var names: Set<String>

        func contains(_ attributes: Attributes) -> Bool {
            guard group == attributes.group || group == "*" else { return false }
            if resources.isEmpty { return true }
            guard names.isEmpty || names.contains(attributes.name) else { return false }
            return resources.contains("*") || resources.contains(attributes.qualifiedResource)
                || !attributes.subresource.isEmpty && resources.contains("*/\(attributes.subresource)")
                || resources.contains("\(attributes.resource)/*")
        }
    }

    private struct Rule: Sendable {
        var decision: Decision
        var users: Set<String>
        var groups: Set<String>
        var verbs: Set<String>
        var resources: [Resources]
        var namespaces: Set<String>
        var urls: [String]

        func fits(_ attributes: Attributes, isKnown: Bool) -> Bool {
            guard users.isEmpty || isKnown && users.contains(attributes.user.name) else { return false }
            guard groups.isEmpty || isKnown && attributes.user.groups.contains(where: groups.contains) else { return false }
            guard verbs.isEmpty || verbs.contains(attributes.verb) else { return false }
            if !resources.isEmpty || !namespaces.isEmpty {
                guard attributes.isResource else { return false }
                guard namespaces.isEmpty || namespaces.contains(attributes.namespace) else { return false }
                return resources.isEmpty || resources.contains { $0.contains(attributes) }
            }
            guard !urls.isEmpty else { return true }
            return !attributes.isResource && urls.contains { PolicyRule.matches($0, path: attributes.path) }
        }
    }

    private let rules: [Rule]

    private static let versions = ["audit.k8s.io/v1"]

    /// - Throws: `ConfigurationProblem`.
    public init(_ text: String) throws {
        rules = try ConfigurationFile.read(text, kind: "Policy", versions: Self.versions) { file in
            _ = file.value("metadata")
            let omitted = try Self.stages(file)
            let omitsManagedFields = try file.bool("omitManagedFields") ?? false
            let rules = try file.objects("rules") { try Self.rule($0, omitted, omitsManagedFields) }
            guard !rules.isEmpty else { throw file.problem("rules", "a policy needs at least one") }
            return rules
        }
    }

    private static func stages(_ fields: ConfigurationFields) throws -> Set<Stage> {
        Set(
            try fields.strings("omitStages").enumerated().map { index, name in
                guard let stage = Stage(rawValue: name) else {
                    let all = Stage.allCases.map(\.rawValue).joined(separator: ",")
                    throw fields.problem("omitStages[\(index)]", "\(FieldError.quoted(name)): allowed stages are \(all)")
                }
                return stage
            })
    }

    private static func rule(_ fields: ConfigurationFields, _ omitted: Set<Stage>, _ omitsManagedFields: Bool) throws -> Rule {
        guard let level = try fields.choice("level", Level.self) else { throw fields.problem("level", "required") }
        let decision = Decision(
            level: level, omittedStages: omitted.union(try stages(fields)),
            omitsManagedFields: try fields.bool("omitManagedFields") ?? omitsManagedFields)
        let resources = try fields.objects("resources") { entry in
            let resources = Resources(
                group: try entry.string("group") ?? "", resources: Set(try entry.strings("resources")),
                names: Set(try entry.strings("resourceNames")))
            guard resources.names.isEmpty || !resources.resources.isEmpty else {
                throw entry.problem("resourceNames", "using resourceNames requires at least one resource")
            }
            // A version does not belong here.
            if !["", "*"].contains(resources.group), let problem = Names.dnsSubdomain(resources.group).first {
                throw entry.problem("group", "\(FieldError.quoted(resources.group)): \(problem)")
            }
            return resources
        }
        let urls = try fields.strings("nonResourceURLs")
        for (index, url) in urls.enumerated() where url != "*" {
            guard url.hasPrefix("/") else {
                throw fields.problem("nonResourceURLs[\(index)]", "non-resource URL rules must begin with a '/' character")
            }
            guard !url.dropLast().contains("*") else {
                throw fields.problem("nonResourceURLs[\(index)]", "non-resource URL wildcards '*' must be the final character of the rule")
            }
        }
        let namespaces = Set(try fields.strings("namespaces"))
        guard urls.isEmpty || resources.isEmpty && namespaces.isEmpty else {
            throw fields.problem("nonResourceURLs", "rules cannot apply to both regular resources and non-resource URLs")
        }
        return Rule(
            decision: decision, users: Set(try fields.strings("users")), groups: Set(try fields.strings("userGroups")),
            verbs: Set(try fields.strings("verbs")), resources: resources, namespaces: namespaces, urls: urls)
    }

    /// - Parameter isKnown: whether it is known who asks.
    func decision(_ attributes: Attributes, isKnown: Bool = true) -> Decision {
        rules.first { $0.fits(attributes, isKnown: isKnown) }?.decision ?? Decision()
    }
}
