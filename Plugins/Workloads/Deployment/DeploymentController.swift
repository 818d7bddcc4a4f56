public import APIModel
public import PluginKit

/// Moves a Deployment's Pods from one template to the next through ReplicaSets.
///
/// Rules: upstream `pkg/controller/deployment`. The host shows a controller its own writes at once, so each step works on what is there.
public struct DeploymentController: Controller {
    static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "deployments")
    static let replicaSets = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")

    let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let deployment = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else { return .done }
        let sets = try objects.claim(
            Self.replicaSets, for: deployment, of: Self.resource, selector: deployment["spec"]["selector"]
        ).map(ReplicaSet.init)
        var rollout = Rollout(deployment: deployment, sets: sets, objects: objects)
        if deployment["metadata"]["deletionTimestamp"].isNull {
            if deployment["spec"]["paused"].bool == true || rollout.wasScaled {
                // While paused, and on the first look after a scale, only sizes change: no template moves on.
                try rollout.syncRevisions(createIfMissing: false)
                try rollout.scaleProportionally()
                if deployment["spec"]["paused"].bool == true { try rollout.cleanUp() }
            } else {
                try rollout.syncRevisions(createIfMissing: deployment["spec"]["strategy"]["type"].string != "Recreate")
                if deployment["spec"]["strategy"]["type"].string == "Recreate" {
                    try recreate(&rollout)
                } else {
                    try rollout.rollingUpdate()
                }
                if rollout.isComplete { try rollout.cleanUp() }
            }
        }
        return try rollout.updateStatus()
    }

    /// All old Pods go before the first new one is made.
    private func recreate(_ rollout: inout Rollout) throws {
        for set in rollout.old where set.replicas > 0 { try rollout.scale(set, to: 0) }
        let isWaiting = try hasRunningOldPods(rollout)
        guard !isWaiting else { return }
        try rollout.syncRevisions(createIfMissing: true)
        if let new = rollout.new, new.replicas != rollout.wanted { try rollout.scale(new, to: rollout.wanted) }
    }

    private func hasRunningOldPods(_ rollout: Rollout) throws -> Bool {
        try rollout.old.contains { set in try objects.dependents(of: set.uid, .pods).contains { !PodState.isTerminal($0) } }
    }
}
