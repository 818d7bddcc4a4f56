public import APIModel
public import PluginKit

/// Keeps a claim that is being deleted until no Pod uses it.
///
/// Rules: upstream `pkg/controller/volume/pvcprotection`. A Pod counts from when it has a Node until it is gone.
public struct PersistentVolumeClaimProtectionController: Controller {
    static let finalizer = "kubernetes.io/pvc-protection"

    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let claim = try objects.get(StorageObjects.claims, namespace: key.namespace, name: key.name) else { return .done }
        let settled = try Protection.settled(claim, Self.finalizer) { try isUsed(claim) }
        if let settled { try objects.update(StorageObjects.claims, settled) }
        return .done
    }

    /// That no Pod uses it, only the API itself can say: one may have come to a Node this moment.
    private func isUsed(_ claim: Value) throws -> Bool {
        if try objects.pods(using: claim).contains(where: { Self.uses($0, claim) }) { return true }
        return try objects.fetchList(.pods, namespace: claim["metadata"]["namespace"].string ?? "").contains { pod in
            Self.names(pod, claim) && Self.uses(pod, claim)
        }
    }

    /// Whether the Pod names the claim, or the claim was made for it.
    private static func names(_ pod: Value, _ claim: Value) -> Bool {
        pod["spec"]["volumes"].elements.contains { volume in
            guard !volume["ephemeral"].isNull else { return volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"] }
            return PodClaims.name(of: volume, pod) == claim["metadata"]["name"].string && OwnerReference.isControlled(claim, by: pod)
        }
    }

    /// - Parameter pod: one that names the claim, or that the claim was made for.
    static func uses(_ pod: Value, _ claim: Value) -> Bool {
        guard !pod["spec"]["nodeName"].isEmpty else { return false }
        // What was made for a Pod goes with it, once the kubelet is through with it.
        let isShutDown = !pod["metadata"]["deletionTimestamp"].isNull && pod["metadata"]["deletionGracePeriodSeconds"].int == 0
        return !isShutDown || !OwnerReference.isControlled(claim, by: pod)
    }

    /// The claims of a Pod that let go of them.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let pod = after.isNull ? before : after
        return after.isNull || PodState.isTerminal(pod) || !pod["metadata"]["deletionTimestamp"].isNull ? PodClaims.keys(pod) : []
    }
}
