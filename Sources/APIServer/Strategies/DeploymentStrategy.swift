import APIModel

/// Deployments: their annotations are copied to their ReplicaSets, so that a change of those is one to act upon.
struct DeploymentStrategy: Strategy {
    func changesSpecification(_ deployment: Value, old: Value) -> Bool {
        deployment[path: "metadata", "annotations"] != old[path: "metadata", "annotations"]
    }
}
