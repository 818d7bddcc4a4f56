import APIModel
import OrderedCollections
import Store

/// The eviction subresource: a delete that respects the pod's disruption budget.
enum PodEviction {
    private static let budgets = "policy/poddisruptionbudgets"
    /// More evictions than the disruption controller has confirmed cannot be under way at once.
    private static let mostDisrupted = 2000

    static let handlers: Handlers.Table = [
        .init("/pods", "eviction", .create): { call in
            let (target, context) = (call.target, call.context)
            return try await context.admitCreation(of: try call.object, target) { eviction in
                try await evict(target, eviction, context)
                let answer: Value = ["kind": "Status", "apiVersion": "v1", "metadata": .emptyObject, "status": "Success", "code": 201]
                return (Answer(.value(answer), code: 201), context.isDryRun ? .dropped : .committed)
            }
        }
    ]

    private static func evict(_ target: Target, _ eviction: Value, _ write: WriteContext) async throws {
        guard eviction[path: "metadata", "name"].string == target.name else {
            throw APIError.badRequest("name in URL does not match name in Eviction object")
        }
        let asked = eviction["deleteOptions"]["dryRun"].elements.compactMap(\.string)
        if write.isDryRun, !asked.isEmpty, asked != ["All"] {
            let problem = "Non-matching dry-run options in request and content: [All] and [\(asked.joined(separator: " "))]"
            throw APIError(code: 500, reason: .unknown, message: problem)
        }
        var options = try DeleteOptions(eviction["deleteOptions"])
        options.isDryRun = options.isDryRun || write.isDryRun
        let pod = try write.registry.get(target)
        var isUnhealthyOne = false
        if isFree(pod.object) {
            if pod.object.value[path: "status", "phase"].string == "Pending", !pod.object.isBeingDeleted {
                try await deleteAsSeen(pod, target, options, write)
                return
            }
        } else if let budget = try budget(of: pod.object, target, write) {
            isUnhealthyOne = !isReady(pod.object) && lets(unhealthyGo: budget)
            if !isUnhealthyOne { try await takeDisruption(pod.object, budget.name, target, options, write) }
            guard !isUnhealthyOne || options.resourceVersion != nil else {
                // Perhaps it has become ready meanwhile: then it counts.
                do { try await deleteAsSeen(pod, target, options, write) } catch let error as APIError where error.reason == .conflict {
                    throw beingProcessed(budget.name)
                }
                return
            }
        }
        try await delete(target, options, write)
    }

    /// Deletes the pod if nobody has changed it since.
    private static func deleteAsSeen(_ pod: Record, _ target: Target, _ options: DeleteOptions, _ write: WriteContext) async throws {
        var options = options
        if options.resourceVersion == nil { options.resourceVersion = String(pod.revision) }
        try await delete(target, options, write)
    }

    /// Says on the pod why it goes, and deletes it.
    private static func delete(_ target: Target, _ options: DeleteOptions, _ write: WriteContext) async throws {
        var options = options
        let pod = target.named(target.name, subresource: "")
        if !options.isDryRun {
            let changed = try await write.registry.modify(target.named(target.name, subresource: "status"), write, operation: nil) { old in
                try options.check(old, pod)
                return marked(old)
            }
            // What was asked for as it was seen is now as it was left.
            if options.resourceVersion != nil, case .record(let record) = changed.content {
                options.resourceVersion = String(record.revision)
            }
        }
        _ = try await write.registry.delete(pod, options, write)
    }

    private static func marked(_ old: Value) -> Value {
        var pod = old
        Conditions.set(
            &pod["status"], type: "DisruptionTarget", true, reason: "EvictionByEvictionAPI", message: "Eviction API: evicting")
        return pod
    }

    /// A pod that does not run, or not for long any more, costs no budget anything.
    private static func isFree(_ pod: Object) -> Bool {
        pod.isBeingDeleted || ["Failed", "Succeeded", "Pending"].contains(pod.value[path: "status", "phase"].string ?? "")
    }

    private static func isReady(_ pod: Object) -> Bool { Conditions.isTrue(pod.value["status"], type: "Ready") }

    // MARK: The budget

    private static func budget(of pod: Object, _ target: Target, _ write: WriteContext) throws -> Object? {
        var names: Set<String> = []
        let matching = BudgetTerms.terms(concerning: pod.labels).flatMap { term in
            write.registry.all(budgets, namespace: target.namespace, terms: [term])
        }.filter { budget in
            // Two terms may share a number.
            guard names.insert(budget.name).inserted else { return false }
            return (try? LabelSelector(budget.value[path: "spec", "selector"]))?.matches(pod.labels) ?? false
        }
        guard matching.count > 1 else { return matching.first }
        throw APIError(
            code: 500, reason: .unknown,
            message: "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
    }

    /// Whether a pod that is not ready may go without being counted.
    private static func lets(unhealthyGo budget: Object) -> Bool {
        if budget.value[path: "spec", "unhealthyPodEvictionPolicy"].string == "AlwaysAllow" { return true }
        let status = budget.value["status"]
        let desired = status["desiredHealthy"].int ?? 0
        return desired > 0 && status["currentHealthy"].int ?? 0 >= desired
    }

    private static func takeDisruption(
        _ pod: Object, _ name: String, _ target: Target, _ options: DeleteOptions, _ write: WriteContext
    ) async throws {
        guard let storage = write.served.storage(collection: budgets) else { return }
        let budget = Target(storage: storage, namespace: target.namespace, name: name, subresource: "status")
        if options.isDryRun {
            _ = try taken(from: try write.registry.get(budget).object.value, pod.name, name)
            return
        }
        _ = try await write.registry.modify(budget, write) { old in try taken(from: old, pod.name, name) }
    }

    /// The budget with one disruption less.
    private static func taken(from old: Value, _ pod: String, _ name: String) throws -> Value {
        let status = old["status"]
        if (status["observedGeneration"].int ?? 0) < (old[path: "metadata", "generation"].int ?? 0) { throw beingProcessed(name) }
        let allowed = status["disruptionsAllowed"].int ?? 0
        guard allowed >= 0 else { throw APIError.forbidden("poddisruptionbudget.policy", name, "pdb disruptions allowed is negative") }
        guard status["disruptedPods"].fields.count <= mostDisrupted else {
            let why = "DisruptedPods map too big - too many evictions not confirmed by PDB controller"
            throw APIError.forbidden("poddisruptionbudget.policy", name, why)
        }
        guard allowed > 0 else { throw refusal(why(name, status), retryAfter: nil) }
        var changed = old
        changed["status"]["disruptionsAllowed"] = .int(allowed - 1)
        changed["status"]["disruptedPods"][pod] = .string(Timestamp.now())
        if allowed == 1, let index = status["conditions"].elements.firstIndex(where: { $0["type"].string == "DisruptionAllowed" }) {
            changed["status"]["conditions"][index]["status"] = "False"
            changed["status"]["conditions"][index]["reason"] = "InsufficientPods"
            changed["status"]["conditions"][index]["lastTransitionTime"] = .string(Timestamp.now())
        }
        return changed
    }

    private static func why(_ name: String, _ status: Value) -> String {
        let condition = status["conditions"].elements.first { $0["type"].string == "DisruptionAllowed" } ?? .null
        let message = condition["status"].string == "False" ? condition["message"].string ?? "" : ""
        let (healthy, desired) = (status["currentHealthy"].int ?? 0, status["desiredHealthy"].int ?? 0)
        if !message.isEmpty, condition["reason"].string == "SyncFailed" {
            return "The disruption budget \(name) does not allow evicting pods currently because it failed sync: \(message)"
        }
        if healthy <= desired { return "The disruption budget \(name) needs \(desired) healthy pods and has \(healthy) currently" }
        guard !message.isEmpty else { return "The disruption budget \(name) does not allow evicting pods currently" }
        return "The disruption budget \(name) does not allow evicting pods currently (\(condition["reason"].string ?? "")): \(message)"
    }

    private static func beingProcessed(_ name: String) -> APIError {
        refusal("The disruption budget \(name) is still being processed by the server.", retryAfter: 10)
    }

    private static func refusal(_ why: String, retryAfter: Int64?) -> APIError {
        APIError(
            code: 429, reason: .tooManyRequests, message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: [
                "causes": [["reason": "DisruptionBudget", "message": .string(why)]],
                "retryAfterSeconds": retryAfter.map { .int($0) } ?? .null,
            ])
    }
}
