import APIModel
import CEL

/// Configurations of webhooks: their conditions must compile.
struct WebhookConfigurationStrategy: Strategy {
    func validate(_ configuration: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        let before = old?["webhooks"].elements.map { $0["matchConditions"] }
        // What was let in once is not judged again by stricter rules.
        if let before, before == configuration["webhooks"].elements.map({ $0["matchConditions"] }) { return [] }
        let environment = AdmissionEnvironment.with(params: false)
        return configuration["webhooks"].elements.enumerated().flatMap { index, webhook in
            ExpressionRules.conditions(
                webhook["matchConditions"], in: environment, FieldPath("webhooks").index(index).child("matchConditions"))
        }
    }
}

/// Policies: their expressions must compile and come to what is asked of them.
struct AdmissionPolicyStrategy: Strategy {
    func prepareForCreate(_ policy: inout Value, _ target: Target, _ write: WriteContext) async throws {
        guard target.storage.traits.contains(.status) else { return }
        policy["status"] = ["observedGeneration": 1, "typeChecking": PolicyTypeCheck.status(policy, write.served)]
    }

    func prepareForUpdate(_ policy: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {
        guard target.storage.traits.contains(.status), target.subresource.isEmpty, policy["spec"] != old["spec"] else { return }
        policy["status"]["observedGeneration"] = .int((old["metadata"]["generation"].int ?? 0) + 1)
        policy["status"]["typeChecking"] = PolicyTypeCheck.status(policy, write.served)
    }

    func validate(_ policy: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard target.subresource.isEmpty, old == nil || old?["spec"] != policy["spec"] else { return [] }
        let spec = policy["spec"]
        let compiled = AdmissionPolicy(policy)
        let path = FieldPath("spec")
        var errors: [FieldError] = []
        func check(_ expression: AdmissionExpression, _ types: [CELType], _ given: Value, _ field: FieldPath) {
            guard !expression.text.trimmingWhitespace.isEmpty, let problem = expression.problem(types) else { return }
            errors.append(.invalid(field, given, problem))
        }
        for field in ["apiVersion", "kind"] where !spec["paramKind"].isNull && (spec["paramKind"][field].string ?? "").isEmpty {
            errors.append(.required(path.child("paramKind", field)))
        }
        if old?["spec"]["matchConditions"] != spec["matchConditions"] || old?["spec"]["paramKind"] != spec["paramKind"] {
            errors += ExpressionRules.conditions(
                spec["matchConditions"], in: AdmissionEnvironment.with(params: !spec["paramKind"].isNull), path.child("matchConditions"))
        }
        for (index, variable) in compiled.variables.enumerated() {
            check(
                variable.expression, [.any], spec["variables"][index]["expression"],
                path.child("variables").index(index).child("expression"))
        }
        for (index, rule) in compiled.checks.enumerated() {
            let (given, field) = (spec["validations"][index], path.child("validations").index(index))
            check(rule.expression, [.bool], given["expression"], field.child("expression"))
            if let message = rule.messageExpression {
                check(message, [.string], given["messageExpression"], field.child("messageExpression"))
            }
        }
        for (index, annotation) in compiled.annotations.enumerated() {
            let (given, field) = (spec["auditAnnotations"][index], path.child("auditAnnotations").index(index))
            for problem in Names.qualifiedName("\(compiled.name)/\(annotation.key)") {
                errors.append(.invalid(field.child("key"), .string("\(compiled.name)/\(annotation.key)"), problem))
            }
            check(annotation.expression, [.string, .null], given["valueExpression"], field.child("valueExpression"))
        }
        for (index, mutation) in compiled.mutations.enumerated() {
            let isPatch = mutation.kind == .jsonPatch
            let name = isPatch ? "jsonPatch" : "applyConfiguration"
            check(
                mutation.expression, [isPatch ? .list(.object("JSONPatch")) : .object("Object")],
                spec["mutations"][index][name]["expression"], path.child("mutations").index(index).child(name, "expression"))
        }
        return errors
    }
}

enum ExpressionRules {
    /// What is wrong with match conditions.
    static func conditions(_ conditions: Value, in environment: Environment, _ path: FieldPath) -> [FieldError] {
        conditions.elements.enumerated().compactMap { index, condition in
            let text = (condition["expression"].string ?? "").trimmingWhitespace
            guard !text.isEmpty, let problem = AdmissionExpression(text, in: environment).problem([.bool]) else { return nil }
            return .invalid(path.index(index).child("expression"), .string(text), problem)
        }
    }
}
