import APIModel
import OrderedCollections

/// The check that nobody hands out more than they have.
enum Escalation {
    /// All there is: what somebody must hold to hand out what cannot be known beforehand.
    static let everything = [PolicyRule(verbs: ["*"], groups: ["*"], resources: ["*"]), PolicyRule(verbs: ["*"], urls: ["*"])]

    /// - Parameters:
    ///   - verb: who may do this to the role, `escalate` or `bind`, need not hold the rules themselves.
    ///   - why: what to say instead of the rules that are missing.
    /// - Throws: 403 with the rules that the writer lacks.
    static func check(
        _ rules: [PolicyRule], verb: String, resource: String, name: String, _ target: Target, _ write: WriteContext, why: String? = nil
    ) async throws {
        let authorizer = write.registry.authorizer
        let attributes = Attributes(
            user: write.user, verb: verb, group: "rbac.authorization.k8s.io", resource: resource, namespace: target.namespace, name: name)
        if await authorizer.allows(attributes) { return }
        let own = authorizer.rules(for: write.user, namespace: target.namespace)
        let missing = rules.flatMap { PolicyRule.lacking(own, of: $0) }
        guard !missing.isEmpty else { return }
        if let why { throw target.forbidden(why) }
        let groups = write.user.groups.map { FieldError.quoted($0) }.joined(separator: " ")
        let listed = Set(joined(missing).map(\.compactText)).sorted().joined(separator: "\n")
        throw target.forbidden(
            "user \"\(write.user.name)\" (groups=[\(groups)]) is attempting to grant RBAC permissions not currently held:\n\(listed)")
    }

    /// Those of several rules for the same resource, as one.
    private static func joined(_ rules: [PolicyRule]) -> [PolicyRule] {
        var verbs: [PolicyRule: Set<String>] = [:]
        for rule in rules where rule.urls.isEmpty {
            var place = rule
            place.verbs = []
            verbs[place, default: []].formUnion(rule.verbs)
        }
        let joined = verbs.map { place, verbs in
            var rule = place
            rule.verbs = verbs
            return rule
        }
        return joined + rules.filter { !$0.urls.isEmpty }
    }

    /// Whether an update leaves everything as it is but what the garbage collector needs. Anything else is judged as a whole: even a label
    /// can hand out rules, to a role that aggregates by it.
    static func isForGarbageCollection(_ object: Value, old: Value) -> Bool {
        func rest(_ object: Value) -> Value {
            var rest = object
            for field in ["ownerReferences", "finalizers", "managedFields", "resourceVersion"] { rest["metadata"][field] = .null }
            return rest
        }
        return rest(object) == rest(old)
    }
}
