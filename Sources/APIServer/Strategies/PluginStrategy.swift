import APIModel

/// Plugins: a library that is to run is pinned by its hash, and nobody gives a plugin more rights than they have.
struct PluginStrategy: Strategy {
    /// The host itself, which pins what it finds in its directories, and cannot pin a library that is not there.
    static let host = "system:apus"

    /// The rules, and whose code it is that acts by them.
    private static let rights = ["rules", "library", "component", "sha256"]

    func prepareForCreate(_ plugin: inout Value, _ target: Target, _ write: WriteContext) async throws {
        try await check(plugin["spec"], old: .null, target, write)
    }

    func prepareForUpdate(_ plugin: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if plugin["spec"] != old["spec"] { try await check(plugin["spec"], old: old["spec"], target, write) }
    }

    func validate(_ plugin: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        let conditions = plugin["spec"]["admission"]["matchConditions"]
        guard target.subresource.isEmpty, old?["spec"]["admission"]["matchConditions"] != conditions else { return [] }
        return ExpressionRules.conditions(
            conditions, in: AdmissionEnvironment.with(params: false), FieldPath("spec").child("admission", "matchConditions"))
    }

    private func check(_ spec: Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        if Self.rights.contains(where: { spec[$0] != old[$0] }) {
            try await Escalation.check(
                spec["rules"].elements.map(PolicyRule.init), verb: "escalate", resource: "clusterroles", name: target.name, target, write)
        }
        if spec["sha256"].isEmpty, spec["enabled"].bool != false, write.user.name != Self.host {
            throw target.invalid([
                .required("spec.sha256", "a library is loaded only if it is pinned: give the SHA-256 of its file, as sha256sum prints it")
            ])
        }
    }
}
