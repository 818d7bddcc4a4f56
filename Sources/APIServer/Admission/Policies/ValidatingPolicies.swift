import APIModel
import CEL

/// Asks ValidatingAdmissionPolicies whether they have something against a request.
struct ValidatingPolicies: ValidatingMember {
    let name = "ValidatingAdmissionPolicy"

    private let policies = Policies("validating")
    /// The value of one audit annotation.
    private static let longestAnnotation = 10 * 1024

    func concerns(collection: String) -> Bool { Webhooks.concerns(collection) }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        let (asked, problems) = await policies.invocations(object, request)
        guard !asked.isEmpty || !problems.isEmpty else { return nil }
        var denials = problems.map { Denial(policy: $0.policy.name, binding: $0.binding?.name, message: $0.message, reason: .invalid) }
        var annotations: [String: [String]] = [:]
        for invocation in asked { try await judge(invocation, object, request, &denials, &annotations) }
        for (key, values) in annotations { request.context.annotate(key, values.joined(separator: ", ")) }
        if let first = denials.first { throw first.error(request.target) }
        return nil
    }

    /// That a policy said no.
    private struct Denial {
        var policy: String
        var binding: String?
        var message: String
        var reason: APIError.Reason

        private static let codes: [APIError.Reason: Int] = [.forbidden: 403, .unauthorized: 401, .requestEntityTooLarge: 413]

        func error(_ target: Target) -> APIError {
            let with = binding.map { " with binding '\($0)'" } ?? ""
            let message = "ValidatingAdmissionPolicy '\(policy)'\(with) denied request: \(message)"
            var error = target.forbidden(message)
            error.reason = reason
            error.code = Self.codes[reason] ?? 422
            error.details["causes"] = [["message": .string(message)]]
            return error
        }
    }

    private func judge(
        _ invocation: PolicyInvocation, _ object: Value, _ request: AdmissionRequest, _ denials: inout [Denial],
        _ annotations: inout [String: [String]]
    ) async throws {
        let (policy, binding, storage) = (invocation.policy, invocation.binding, invocation.storage)
        let plain = ExpressionInput(
            object: try await request.shown(object, as: storage), old: try await request.shown(request.old ?? .null, as: storage),
            review: request.review(storage), request)
        let input = plain.with(params: invocation.params, policy.variables)
        var begin = ContinuousClock.now
        let metrics = request.registry.admissionMetrics.policies
        func deny(_ index: Int, _ message: String, _ reason: APIError.Reason, _ failure: AdmissionExpression.Failure? = nil) {
            act(binding, policy, index, message, reason, request, &denials)
            let duration = ContinuousClock.now - begin
            for action in binding.actions.compactMap({ PolicyMetrics.Action(rawValue: $0.lowercased()) }) {
                metrics.checked(action, policy, binding, failure, duration)
            }
        }
        switch await policy.conditions.evaluate(input, request) {
        case .doesNot: return
        case .failed(let why):
            if policy.failsClosed { deny(0, why, .invalid) }
            return
        case .matches: break
        }
        var remaining = CostLimit.perRequest
        for (index, check) in policy.checks.enumerated() {
            begin = ContinuousClock.now
            do throws(AdmissionExpression.Failure) {
                if case .bool(true) = try await check.expression.evaluate(input, remaining: &remaining) { continue }
                deny(index, try await message(check, input, &remaining), check.reason)
            } catch {
                if policy.failsClosed {
                    deny(index, error.message, .invalid, error)
                } else {
                    metrics.checked(.allow, policy, binding, error, ContinuousClock.now - begin)
                }
                if case .budget = error { return }
            }
        }
        await annotate(policy, input, &annotations) { message in
            denials.append(Denial(policy: policy.name, binding: binding.name, message: message, reason: .invalid))
        }
    }

    private func act(
        _ binding: AdmissionPolicyBinding, _ policy: AdmissionPolicy, _ index: Int, _ message: String, _ reason: APIError.Reason,
        _ request: AdmissionRequest, _ denials: inout [Denial]
    ) {
        for action in binding.actions {
            switch action {
            case "Deny": denials.append(Denial(policy: policy.name, binding: binding.name, message: message, reason: reason))
            case "Warn":
                request.context.warn(
                    "Validation failed for ValidatingAdmissionPolicy '\(policy.name)' with binding '\(binding.name)': \(message)")
            case "Audit":
                let failure: Value = [
                    "message": .string(message), "policy": .string(policy.name), "binding": .string(binding.name),
                    "expressionIndex": .int(Int64(index)), "validationActions": Value(binding.actions),
                ]
                request.context.annotate(
                    "validation.policy.admission.k8s.io/validation_failure", String(decoding: JSON.encode([failure]), as: UTF8.self))
            default: continue
            }
        }
    }

    /// What is said of a check that does not hold.
    private func message(
        _ check: AdmissionPolicy.Check, _ input: ExpressionInput, _ remaining: inout UInt64
    ) async throws(AdmissionExpression.Failure) -> String {
        if let expression = check.messageExpression {
            do throws(AdmissionExpression.Failure) {
                if case .string(let text) = try await expression.evaluate(input, remaining: &remaining) {
                    let trimmed = text.trimmingWhitespace
                    if !trimmed.isEmpty, !trimmed.contains("\n"), trimmed.utf8.count <= CostLimit.longestMessage { return trimmed }
                }
            } catch {
                if case .budget(let why) = error { throw .budget("failed messageExpression: \(why)") }
            }
        }
        let message = check.message.trimmingWhitespace
        return message.isEmpty ? "failed expression: \(check.expression.text.trimmingWhitespace)" : message
    }

    private func annotate(
        _ policy: AdmissionPolicy, _ input: ExpressionInput, _ annotations: inout [String: [String]], deny: (String) -> Void
    ) async {
        var remaining = CostLimit.perRequest
        for (key, expression) in policy.annotations {
            do throws(AdmissionExpression.Failure) {
                guard case .string(let text) = try await expression.evaluate(input, remaining: &remaining) else { continue }
                let value = String(decoding: text.trimmingWhitespace.utf8.prefix(Self.longestAnnotation), as: UTF8.self)
                let place = "\(policy.name)/\(key)"
                if !value.isEmpty, annotations[place]?.contains(value) != true { annotations[place, default: []].append(value) }
            } catch {
                if policy.failsClosed { deny(error.message) }
            }
        }
    }
}
