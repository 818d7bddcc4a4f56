import APIModel

/// Resolves a pod's priority class.
struct PriorityAdmission: MutatingMember, ValidatingMember {
    let name = "Priority"

    private static let classes = "scheduling.k8s.io/priorityclasses"

    func concerns(collection: String) -> Bool { collection == "/pods" || collection == Self.classes }

    func admit(_ pod: inout Value, _ request: AdmissionRequest) async throws {
        guard request.target.storage.collection == "/pods", request.isOfObject,
            request.operation == .create || request.operation == .update
        else { return }
        let (target, registry) = (request.target, request.registry)
        if let old = request.old {
            // The priority was decided when the pod was created.
            if pod[path: "spec", "priority"].isNull { pod["spec"]["priority"] = old["spec"]["priority"] }
            if pod[path: "spec", "preemptionPolicy"].isNull { pod["spec"]["preemptionPolicy"] = old["spec"]["preemptionPolicy"] }
            return
        }
        var name = pod[path: "spec", "priorityClassName"].string ?? ""
        var priority: Whole = 0
        var preemption = "PreemptLowerPriority"
        let found: Value?
        if name.isEmpty {
            found = registry.all(Self.classes).map(\.value).filter { $0["globalDefault"].bool == true }
                .min { ($0["value"].int ?? 0) < ($1["value"].int ?? 0) }
        } else {
            guard let named = registry.latest(Self.classes, name: name)?.value else {
                throw target.forbidden("no PriorityClass with name \(name) was found")
            }
            found = named
        }
        if let found {
            name = found[path: "metadata", "name"].string ?? ""
            priority = found["value"].int ?? 0
            preemption = found["preemptionPolicy"].string ?? preemption
            pod["spec"]["priorityClassName"] = .string(name)
        }
        if let given = pod[path: "spec", "priority"].int, given != priority {
            throw target.forbidden(
                "the integer value of priority (\(given)) must not be provided in pod spec; priority admission controller computed \(priority) from the given PriorityClass name"
            )
        }
        if let given = pod[path: "spec", "preemptionPolicy"].string, given != preemption {
            throw target.forbidden(
                "the string value of PreemptionPolicy (\(given)) must not be provided in pod spec; priority admission controller computed \(preemption) from the given PriorityClass name"
            )
        }
        pod["spec"]["priority"] = .int(priority)
        pod["spec"]["preemptionPolicy"] = .string(preemption)
    }

    /// There is one class at most for pods that name none.
    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.target.storage.collection == Self.classes, request.operation == .create || request.operation == .update,
            object["globalDefault"].bool == true
        else { return nil }
        let others = request.registry.all(Self.classes).filter { $0.value["globalDefault"].bool == true && $0.name != request.target.name }
        guard let other = others.first else { return nil }
        throw request.target.forbidden("PriorityClass \(other.name) is already marked as default. Only one default can exist")
    }
}
