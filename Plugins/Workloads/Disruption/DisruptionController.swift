public import APIModel
public import PluginKit

/// Keeps count of how many Pods each PodDisruptionBudget lets go.
///
/// Rules: upstream `pkg/controller/disruption`. `DisruptionPlan` counts.
public struct DisruptionController: Controller {
    private static let resource = GroupVersionResource(group: "policy", version: "v1", resource: "poddisruptionbudgets")
    private static let replicaSets = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    /// How long a Pod that is not deleted may say that it is about to be, in seconds.
    private static let staleAfter: Whole = 120

    private let objects: Objects
    private let kinds: HostKinds
    private let shared = SharedPods()

    public init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
    }

    /// Of a budget, or of a Pod that says it is being disrupted.
    public func reconcile(_ key: Key) throws -> Outcome {
        if key.resource == GroupVersionResource.pods.description { return try clearStaleCondition(key) }
        guard let budget = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else {
            shared.forget(key.uid)
            return .done
        }
        let pods = try pods(of: budget)
        try tellOfShared(pods, budget)
        if pods.isEmpty { objects.event(budget, .normal, reason: "NoPods", message: "No matching pods found") }
        let plan = DisruptionPlan(budget, pods: pods, now: Timestamp.nowSeconds())
        for pod in plan.lost {
            let message = "Pod was expected by PDB \(key.namespace)/\(key.name) to be deleted but it wasn't"
            objects.event(pod, .warning, reason: "NotDeleted", message: message)
        }
        do {
            try write(plan.status(scale: plan.needsScale ? try scale(pods, budget) : 0), to: budget)
        } catch let error as APIError where error.reason == .conflict || error.reason == .notFound {
            throw error
        } catch {
            let message = "Failed to calculate the number of expected pods: \(error)"
            objects.event(budget, .warning, reason: "CalculateExpectedPodCountFailed", message: message)
            try write(plan.failed("\(error)"), to: budget)
        }
        return plan.wait.map { .doneCheckAgain(afterMilliseconds: $0 * 1000 + 1000) } ?? .done
    }

    private func write(_ status: Value, to budget: Value) throws {
        guard status != budget["status"] else { return }
        var changed = budget
        changed["status"] = status
        try objects.updateStatus(Self.resource, changed)
    }

    private func pods(of budget: Value) throws -> [Value] {
        guard let selector = try? LabelSelector(budget["spec"]["selector"]), selector != .nothing else { return [] }
        return try objects.list(.pods, namespace: budget["metadata"]["namespace"].string ?? "", selector: selector.description)
    }

    private func tellOfShared(_ pods: [Value], _ budget: Value) throws {
        let budgets = try objects.list(Self.resource, namespace: budget["metadata"]["namespace"].string ?? "")
        for (pod, chosen) in shared.news(SharedPods.find(budget, pods, among: budgets), of: budget) {
            let metadata = pod["metadata"]
            let name = "\(FieldError.quoted(metadata["namespace"].string ?? ""))/\(FieldError.quoted(metadata["name"].string ?? ""))"
            objects.event(
                pod, .warning, reason: "MultiplePodDisruptionBudgets",
                message: "Pod \(name) matches multiple PodDisruptionBudgets.  Chose \(FieldError.quoted(chosen)) arbitrarily.")
        }
    }

    // MARK: Scale

    /// What the controllers of the Pods ask for together.
    private func scale(_ pods: [Value], _ budget: Value) throws -> Whole {
        var scales: [Value: Whole] = [:]
        var seen: Set<Value> = []
        var isUnmanaged = false
        for pod in pods {
            let reference = OwnerReference.controller(of: pod)
            if reference.isNull { isUnmanaged = true }
            guard !reference.isNull, seen.insert(reference["uid"]).inserted else { continue }
            guard let (uid, scale) = try scale(of: reference, namespace: pod["metadata"]["namespace"].string ?? "") else {
                throw ComponentError.fault("found no controllers for pod \"\(pod["metadata"]["name"].string ?? "")\"")
            }
            scales[uid] = scale
        }
        if isUnmanaged {
            let selector = GoText.selector(budget["spec"]["selector"])
            objects.event(
                budget, .warning, reason: "UnmanagedPods",
                message:
                    "Pods selected by this PodDisruptionBudget (selector: \(selector)) were found to be unmanaged. As a result, the status "
                    + "of the PDB cannot be calculated correctly, which may result in undefined behavior. To account for these pods please set "
                    + "\".spec.minAvailable\" field of the PDB to an integer value.")
        }
        return scales.values.reduce(.zero, +)
    }

    /// The size of a controller, by its uid; of a ReplicaSet that belongs to a Deployment, that of the Deployment.
    private func scale(of reference: Value, namespace: String) throws -> (uid: Value, scale: Whole)? {
        guard let named = GroupVersionKind(of: reference) else { return nil }
        guard let kind = try kinds.current.kind(named) else {
            let version = FieldError.quoted(reference["apiVersion"].string ?? "")
            throw ComponentError.fault("no matches for kind \(FieldError.quoted(named.kind)) in version \(version)")
        }
        let (resource, name) = (kind.resource, reference["name"].string ?? "")
        guard kind.isScalable else {
            let plural = resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)"
            throw ComponentError.fault("\(plural) does not implement the scale subresource")
        }
        if resource == Self.replicaSets, let set = try objects.get(resource, namespace: namespace, name: name) {
            let deployment = OwnerReference.controller(of: set)
            if deployment["kind"].string == "Deployment" { return try scale(of: deployment, namespace: namespace) }
        }
        guard let scale = try objects.get(resource, namespace: namespace, name: name, subresource: "scale"),
            scale["metadata"]["uid"] == reference["uid"]
        else { return nil }
        return (reference["uid"], scale["spec"]["replicas"].int ?? 0)
    }

    // MARK: Pods

    private static func staleSeconds(_ pod: Value) -> Whole? {
        let condition = PodState.condition(pod, "DisruptionTarget")
        guard condition["status"].string == "True", condition["reason"].string != "TerminationByKubelet", !PodState.isTerminal(pod),
            pod["metadata"]["deletionTimestamp"].isNull,
            let since = condition["lastTransitionTime"].time
        else { return nil }
        return max(0, since + staleAfter - Timestamp.nowSeconds())
    }

    private func clearStaleCondition(_ key: Key) throws -> Outcome {
        guard let pod = try objects.get(.pods, namespace: key.namespace, name: key.name), let left = Self.staleSeconds(pod) else {
            return .done
        }
        if left > 0 { return .doneCheckAgain(afterMilliseconds: left * 1000) }
        try objects.setPodCondition(pod, type: "DisruptionTarget", false, reason: "", message: "")
        return .done
    }

    /// The Pod itself when it says that it is being disrupted.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        Self.staleSeconds(after) == nil ? [] : [Key(after, of: resource)]
    }
}
