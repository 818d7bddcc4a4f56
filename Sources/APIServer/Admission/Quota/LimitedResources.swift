import APIModel

/// What may be used where a quota counts it and nowhere else: what `ResourceQuota` is told.
struct LimitedResources: Sendable {
    private struct Entry: Sendable {
        var collection: String
        /// Parts of the names that quotas count by.
        var parts: [String]
        /// As a quota has them.
        var scopes: [QuotaScope]
        /// The same in words.
        var scopeTexts: [QuotaScope: String]
    }

    private let entries: [Entry]

    private static let kinds = [
        ("ResourceQuotaConfiguration", ["apiserver.config.k8s.io/v1"]),
        ("Configuration", ["v1beta1", "v1alpha1"].map { "resourcequota.admission.k8s.io/\($0)" }),
    ]

    /// Nothing is limited.
    init() { self.init([]) }

    private init(_ entries: [Entry]) { self.entries = entries }

    var isEmpty: Bool { entries.isEmpty }

    /// - Throws: `ConfigurationProblem`.
    init(_ configuration: Value?) throws {
        guard let configuration else {
            self.init()
            return
        }
        let (kind, versions) = Self.kinds.first { $0.0 == configuration["kind"].string } ?? Self.kinds[0]
        let entries = try ConfigurationFile.read(configuration, kind: kind, versions: versions) { file in
            try file.objects("limitedResources") { fields in
                let (group, resource) = (try fields.string("apiGroup") ?? "", try fields.required("resource"))
                let parts = try fields.strings("matchContains")
                let scopes = try fields.objects("matchScopes") { scope in
                    let (name, operation) = (try scope.required("scopeName"), try scope.required("operator"))
                    let values = try scope.strings("values")
                    let expression: Value = ["scopeName": .string(name), "operator": .string(operation), "values": Value(values)]
                    let quota: Value = ["spec": ["scopeSelector": ["matchExpressions": [expression]]]]
                    return (QuotaScope.all(of: quota), "{\(name) \(operation) [\(values.joined(separator: " "))]}")
                }
                return Entry(
                    collection: "\(group)/\(resource)", parts: parts, scopes: scopes.flatMap(\.0),
                    scopeTexts: Dictionary(scopes.flatMap { scope in scope.0.map { ($0, scope.1) } }) { $1 })
            }
        }
        self.init(entries)
    }

    /// - Parameter quotas: all of the namespace.
    /// - Throws: when the write would use what is limited and no quota counts.
    func check(_ charge: QuotaCharge, _ quotas: [Quota]) throws(APIError) {
        let (object, evaluator, target) = (charge.object, charge.evaluator, charge.target)
        let scopes = entries.flatMap(\.scopes).filter { evaluator.matches($0, object) }
        let own = entries.filter { $0.collection == target.storage.collection }
        guard !scopes.isEmpty || !own.isEmpty else { return }
        let now = Clock.seconds
        let usage = evaluator.usage(of: object, now: now)
        let matching = quotas.filter { $0.matches(object, evaluator) }
        // A change that uses no more than before is nobody's business.
        if let old = charge.old, matching.allSatisfy({ $0.matches(old, evaluator) }) {
            let more = (usage - evaluator.usage(of: old, now: now)).notNegative
            guard more.names.contains(where: { more[$0]?.isZero == false }) else { return }
        }
        let limited = usage.filter { name, amount in
            amount.signum > 0 && own.contains { $0.parts.contains { name.contains($0) } }
        }
        let counted = Set(matching.flatMap { $0.hard.names.filter(evaluator.counts) })
        let lacking = limited.names.filter { !counted.contains($0) }.sorted()
        guard lacking.isEmpty else {
            throw target.forbidden("insufficient quota to consume: \(lacking.joined(separator: ","))")
        }
        let known = Set(
            quotas.flatMap { QuotaScope.all(of: $0.object) }.filter { evaluator.matches($0, object) }.map(\.name))
        let open = scopes.filter { !known.contains($0.name) }
        guard !open.isEmpty else { return }
        let texts = open.map { scope in entries.lazy.compactMap { $0.scopeTexts[scope] }.first ?? scope.name }
        throw APIError.unclassified("insufficient quota to match these scopes: [\(texts.joined(separator: " "))]")
    }
}
