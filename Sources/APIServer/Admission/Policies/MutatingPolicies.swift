import APIModel
import CEL

/// Makes the changes that MutatingAdmissionPolicies want.
struct MutatingPolicies: MutatingMember {
    let name = "MutatingAdmissionPolicy"

    private let policies = Policies("mutating")

    func concerns(collection: String) -> Bool { Webhooks.concerns(collection) }

    private struct Failure: Error {
        var message: String
    }

    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        let (asked, problems) = await policies.invocations(object, request)
        guard !asked.isEmpty || !problems.isEmpty else { return }
        request.reinvocation.enter(name, object)
        var refusals = problems.map { Self.refusal($0.policy, $0.binding, $0.message) }
        // There is nothing to change about a deletion.
        for invocation in object.isNull ? [] : asked where request.reinvocation.asks(invocation.id, of: name) {
            let (begin, metrics) = (ContinuousClock.now, request.registry.admissionMetrics.policies)
            do throws(Failure) {
                let changed = try await apply(invocation, object, request)
                metrics.mutated(invocation.policy, invocation.binding, hasFailed: false, ContinuousClock.now - begin)
                if changed != object { request.reinvocation.noteChange(by: name) }
                object = changed
            } catch {
                metrics.mutated(invocation.policy, invocation.binding, hasFailed: true, ContinuousClock.now - begin)
                if invocation.policy.failsClosed { refusals.append(Self.refusal(invocation.policy, invocation.binding, error.message)) }
            }
            if invocation.policy.isReinvoked { request.reinvocation.noteAsked(invocation.id, of: name) }
        }
        request.reinvocation.leave(name, object)
        guard let first = refusals.first else { return }
        var error = request.target.forbidden("")
        error.message = first
        error.reason = .invalid
        error.details["causes"] = .array(refusals.map { ["message": .string($0)] })
        throw error
    }

    private static func refusal(_ policy: AdmissionPolicy, _ binding: AdmissionPolicyBinding?, _ message: String) -> String {
        guard let binding else { return "policy \(FieldError.quoted(policy.name)) denied request: \(message)" }
        return "policy '\(policy.name)' with binding '\(binding.name)' denied request: \(message)"
    }

    /// All mutations of a policy in their order, each of what the one before it left.
    private func apply(_ invocation: PolicyInvocation, _ object: Value, _ request: AdmissionRequest) async throws(Failure) -> Value {
        let (policy, storage) = (invocation.policy, invocation.storage)
        let old = try await shown(request.old ?? .null, request, storage)
        let review = request.review(storage)
        var object = object
        for (index, mutation) in policy.mutations.enumerated() {
            let shown = try await shown(object, request, storage)
            let input = ExpressionInput(object: shown, old: old, review: review, request).with(
                params: invocation.params, policy.variables)
            if index == 0 {
                switch await policy.conditions.evaluate(input, request) {
                case .matches: break
                case .doesNot: return object
                case .failed(let why): throw Failure(message: why)
                }
            }
            var remaining = CostLimit.perRequest
            let value: CELValue
            do throws(AdmissionExpression.Failure) {
                value = try await mutation.expression.evaluate(input, remaining: &remaining)
            } catch {
                throw Failure(message: error.message)
            }
            do {
                let changed =
                    switch mutation.kind {
                    case .jsonPatch: try Self.patched(shown, value)
                    case .applyConfiguration: try Self.merged(shown, value, request, storage)
                    }
                object = try await request.taken(changed, for: object, as: storage)
            } catch let error as Failure {
                throw error
            } catch {
                throw Failure(message: "\(error)")
            }
        }
        return object
    }

    private func shown(_ object: Value, _ request: AdmissionRequest, _ storage: Storage) async throws(Failure) -> Value {
        do { return try await request.shown(object, as: storage) } catch { throw Failure(message: "\(error)") }
    }

    private static func merged(_ object: Value, _ value: CELValue, _ request: AdmissionRequest, _ storage: Storage) throws -> Value {
        guard case .object(let constructed as ConstructedObject) = value else {
            throw Failure(message: "unsupported return type from ApplyConfiguration expression: \(value)")
        }
        let wrong = constructed.misnamedTypes()
        guard wrong.isEmpty else { throw Failure(message: "type mismatch: \(wrong.joined(separator: ", "))") }
        let kind = request.kind(storage)
        guard let schema = request.context.served.kinds.type(of: kind) else {
            throw Failure(
                message:
                    "Resource kind \(kind) not found. There can be a delay between when CustomResourceDefinitions are created and when they are available."
            )
        }
        let patch = try json(value)
        do throws(SchemaMergeError) {
            return try Patch.schema(object, patch, schema: schema)
        } catch {
            throw Failure(message: "error applying patch: \(error)")
        }
    }

    private static func patched(_ object: Value, _ value: CELValue) throws -> Value {
        guard case .array(let operations) = try json(value) else {
            throw Failure(message: "type mismatch: JSONPatchType.expression should evaluate to array")
        }
        do throws(Patch.Problem) {
            return try Patch.apply(operations, to: object)
        } catch {
            // A patch that tests in vain is one that has nothing to change.
            if error.isFailedTest { return object }
            throw Failure(message: "JSON Patch: \(error)")
        }
    }

    private static func json(_ value: CELValue) throws(Failure) -> Value {
        do throws(EvaluationError) {
            return try value.json()
        } catch {
            throw Failure(message: error.message)
        }
    }
}
