import APIModel

/// Lets no pod keep others out of more than its node. Off unless it is enabled.
struct LimitPodHardAntiAffinityTopology: ValidatingMember {
    let name = "LimitPodHardAntiAffinityTopology"

    func concerns(collection: String) -> Bool { collection == "/pods" }

    func validate(_ pod: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation == .create || request.operation == .update, request.isOfObject else { return nil }
        let affinity = pod[path: "spec", "affinity"]["podAntiAffinity"]
        for term in affinity["requiredDuringSchedulingIgnoredDuringExecution"].elements
        where term["topologyKey"].string != NodeLabel.hostname {
            throw request.target.forbidden(
                "affinity.PodAntiAffinity.RequiredDuringScheduling has TopologyKey \(term["topologyKey"].string ?? "") "
                    + "but only key \(NodeLabel.hostname) is allowed")
        }
        return nil
    }
}
