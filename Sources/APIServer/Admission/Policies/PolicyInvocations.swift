import APIModel
import CEL
import Store

/// A policy that is to look at a request, for one of its bindings with one set of parameters.
struct PolicyInvocation: Sendable {
    let policy: AdmissionPolicy
    let binding: AdmissionPolicyBinding
    /// The version in which it wants to see the object.
    let storage: Storage
    /// `.null` for none.
    let params: Value

    /// For reinvocation.
    var id: String {
        "\(policy.name)/\(binding.name)/\(params["metadata"]["namespace"].string ?? "")/\(params["metadata"]["name"].string ?? "")"
    }
}

/// That a policy cannot be asked as it is set up.
struct PolicyProblem: Error, Sendable {
    let policy: AdmissionPolicy
    let binding: AdmissionPolicyBinding?
    let message: String
}

/// The policies of one kind with their bindings.
struct Policies: Sendable {
    private let policies: CompiledObjects<AdmissionPolicy>
    private let bindings: CompiledObjects<AdmissionPolicyBinding>

    /// - Parameter kind: `validating` or `mutating`.
    init(_ kind: String) {
        policies = CompiledObjects("admissionregistration.k8s.io/\(kind)admissionpolicies") { AdmissionPolicy($0) }
        bindings = CompiledObjects("admissionregistration.k8s.io/\(kind)admissionpolicybindings") { AdmissionPolicyBinding($0) }
    }

    /// All that is to be asked about the request, and what of it cannot be.
    func invocations(_ object: Value, _ request: AdmissionRequest) async -> (asked: [PolicyInvocation], problems: [PolicyProblem]) {
        let store = request.registry.store
        let all = policies.all(store)
        guard !all.isEmpty else { return ([], []) }
        let bound = Dictionary(grouping: bindings.all(store), by: \.policyName)
        var asked: [PolicyInvocation] = []
        var problems: [PolicyProblem] = []
        for policy in all {
            guard let bindings = bound[policy.name] else { continue }
            do {
                guard let storage = try policy.matcher.get().matches(object, request) else { continue }
                let source = try ParamSource(policy.paramKind, request)
                for binding in bindings {
                    do {
                        guard try binding.matcher.get().matches(object, request) != nil else { continue }
                        for params in try await source.params(binding.paramRef, request) {
                            asked.append(PolicyInvocation(policy: policy, binding: binding, storage: storage, params: params))
                        }
                    } catch {
                        problems.append(
                            PolicyProblem(policy: policy, binding: binding, message: "failed to configure binding: \(error)"))
                    }
                }
            } catch {
                problems.append(PolicyProblem(policy: policy, binding: nil, message: "failed to configure policy: \(error)"))
            }
        }
        return (asked, problems.filter(\.policy.failsClosed))
    }
}

/// Where a policy's parameters come from.
private struct ParamSource {
    /// `nil` where there are no parameters.
    private let storage: Storage?

    private struct Problem: Error, CustomStringConvertible { let description: String }

    /// - Throws: for a kind that is not served.
    init(_ kind: GroupVersionKind?, _ request: AdmissionRequest) throws {
        guard let kind else {
            storage = nil
            return
        }
        let served = request.context.served
        guard let found = served.kinds.resource(kind).flatMap({ served.storage($0.groupVersionResource) }) else {
            throw Problem(description: "failed to find resource referenced by paramKind: '\(kind)'")
        }
        storage = found
    }

    /// One `.null` where the binding gives none; nothing where there are none and the binding lets that pass.
    func params(_ reference: Value, _ request: AdmissionRequest) async throws -> [Value] {
        guard let storage, !reference.isNull else { return [.null] }
        var namespace = ""
        if storage.type.isNamespaced {
            namespace = reference["namespace"].string ?? ""
            if namespace.isEmpty { namespace = request.namespaceName }
            guard !namespace.isEmpty else {
                throw Problem(description: "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
            }
        } else if !reference["namespace"].isEmpty {
            throw Problem(description: "paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        }
        let found: [Value]
        if let name = reference["name"].string, !name.isEmpty {
            found = request.registry.store.get(storage.key(namespace: namespace, name: name)).map { [$0.object.value] } ?? []
        } else {
            let selector = try LabelSelector(reference["selector"])
            found = request.registry.all(storage.collection, namespace: namespace.isEmpty ? nil : namespace).map(\.value).filter {
                selector.matches(labelsOf: $0)
            }
        }
        if found.isEmpty, reference["parameterNotFoundAction"].string == "Deny" {
            throw Problem(description: "no params found for policy binding with `Deny` parameterNotFoundAction")
        }
        var shown: [Value] = []
        for object in found { shown.append(try await storage.fromStored(object, request.registry)) }
        return shown
    }
}
