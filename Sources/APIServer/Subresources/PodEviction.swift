import APIModel

/// The eviction subresource: a delete that respects the pod's disruption budget.
enum PodEviction {
    private static let budgets = "policy/poddisruptionbudgets"

    static let handlers: Handlers.Table = [
        .init("/pods", "eviction", .create): { call in
            let (target, context) = (call.target, call.context)
            return try await context.admitCreation(of: try call.object, target) { eviction in
                (try await evict(target, eviction, context), context.isDryRun ? .dropped : .committed)
            }
        }
    ]

    private static func evict(_ target: Target, _ eviction: Value, _ write: WriteContext) async throws -> Answer {
        let name = eviction[path: "metadata", "name"].string ?? ""
        guard name.isEmpty || name == target.name else {
            throw APIError.badRequest("name in URL does not match name in Eviction object: \(name)")
        }
        let registry = write.registry
        let pod = try registry.get(target).object
        let options = try DeleteOptions(eviction["deleteOptions"])
        if !isTerminal(pod), !pod.isBeingDeleted { try await takeDisruption(pod, target, write) }
        _ = try await registry.delete(target.named(target.name, subresource: ""), options, write)
        return Answer(
            .value(["kind": "Status", "apiVersion": "v1", "metadata": .emptyObject, "status": "Success", "code": 201]), code: 201)
    }

    /// A pod that does not run costs no budget anything.
    private static func isTerminal(_ pod: Object) -> Bool {
        ["Failed", "Succeeded", "Pending"].contains(pod.value[path: "status", "phase"].string ?? "")
    }

    private static func takeDisruption(_ pod: Object, _ target: Target, _ write: WriteContext) async throws {
        let registry = write.registry
        let matching = registry.all(budgets, namespace: target.namespace).filter { budget in
            guard let selector = try? LabelSelector(budget.value[path: "spec", "selector"]) else { return false }
            return selector.matches(pod.labels)
        }
        guard let budget = matching.first else { return }
        guard matching.count == 1 else {
            throw APIError.internalError("This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.")
        }
        guard let storage = write.served.storage(collection: budgets) else { return }
        let budgetTarget = Target(storage: storage, namespace: target.namespace, name: budget.name, subresource: "status")
        _ = try await registry.modify(budgetTarget, write) { old in
            let status = old["status"]
            if (status["observedGeneration"].int ?? 0) < (old[path: "metadata", "generation"].int ?? 0) {
                throw refusal(budget.name, status, isCurrent: false)
            }
            let allowed = status["disruptionsAllowed"].int ?? 0
            guard allowed > 0 else { throw refusal(budget.name, status, isCurrent: true) }
            var changed = old
            changed["status"]["disruptionsAllowed"] = .int(allowed - 1)
            changed["status"]["disruptedPods"][pod.name] = .string(Timestamp.now())
            return changed
        }
    }

    private static func refusal(_ name: String, _ status: Value, isCurrent: Bool) -> APIError {
        let why =
            isCurrent
            ? "The disruption budget \(name) needs \(status["desiredHealthy"].int ?? 0) healthy pods and has \(status["currentHealthy"].int ?? 0) currently"
            : "The disruption budget \(name) is still being processed by the server."
        return APIError(
            code: 429, reason: .tooManyRequests, message: "Cannot evict pod as it would violate the pod's disruption budget.",
            details: ["causes": [["reason": "DisruptionBudget", "message": .string(why)]], "retryAfterSeconds": isCurrent ? .null : 10])
    }
}
