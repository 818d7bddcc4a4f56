public import APIModel
public import PluginKit
internal import Synchronization

/// Deletes Pods that use devices with NoExecute taints that their claims do not, or no longer, tolerate.
///
/// Rules: upstream `pkg/controller/devicetainteviction`. A key is a ResourceClaim. Taints are those of ResourceSlices: DeviceTaintRules are
/// of a version that is off.
public final class DeviceTaintEvictionController: Controller {
    private static let claims = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceclaims")
    private static let slices = GroupVersionResource(group: "resource.k8s.io", version: "v1", resource: "resourceslices")

    private let objects: Objects
    private let log: Log
    /// The Pods that are to go once a claim's tolerations end, as far as Events need them.
    private let waiting = Mutex<[Key: [Value]]>([:])

    public init(_ host: Host, config: Value) {
        objects = host.objects
        log = host.log
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        var key = key
        key.uid = ""
        let claim = try objects.get(Self.claims, namespace: key.namespace, name: key.name) ?? .null
        guard let time = try evictionTime(claim) else {
            cancel(key)
            return .done
        }
        let pods = try users(of: claim)
        let left = time - Timestamp.nowSeconds()
        guard left <= 0 else {
            let references = pods.map(Self.reference)
            waiting.withLock { $0[key] = references.isEmpty ? nil : references }
            return .doneCheckAgain(afterMilliseconds: left * 1000)
        }
        waiting.withLock { $0[key] = nil }
        for pod in pods { try evict(pod) }
        return .done
    }

    private func evictionTime(_ claim: Value) throws -> Whole? {
        let results = claim["status"]["allocation"]["devices"]["results"].elements
        let slices = try Set(results.compactMap { $0["pool"].string }).flatMap {
            try objects.list(Self.slices, fields: "spec.pool.name=\($0)")
        }
        return DeviceTaints(slices).evictionTime(claim)
    }

    /// The Pods on Nodes that the claim is reserved for and that name it.
    private func users(of claim: Value) throws -> [Value] {
        let (namespace, name) = (claim["metadata"]["namespace"].string ?? "", claim["metadata"]["name"].string ?? "")
        return try claim["status"]["reservedFor"].elements.compactMap { reservation in
            guard reservation["resource"].string == "pods", reservation["apiGroup"].isEmpty,
                let pod = try objects.get(.pods, namespace: namespace, name: reservation["name"].string ?? ""),
                pod["metadata"]["uid"] == reservation["uid"], !pod["spec"]["nodeName"].isEmpty,
                pod["metadata"]["deletionTimestamp"].isNull, Self.uses(pod, name, claim)
            else { return nil }
            return pod
        }
    }

    private static func uses(_ pod: Value, _ name: String, _ claim: Value) -> Bool {
        pod["spec"]["resourceClaims"].elements.contains { entry in
            switch PodResourceClaims.find(entry, of: pod) {
            case .named(name): true
            case .made(name): OwnerReference.isControlled(claim, by: pod)
            default: false
            }
        }
    }

    private func evict(_ pod: Value) throws {
        objects.event(pod, .normal, reason: "DeviceTaintManagerEviction", message: "Marking for deletion")
        try objects.setPodCondition(
            pod, type: "DisruptionTarget", true, reason: "DeletionByDeviceTaintManager",
            message: "Device Taint manager: deleting due to NoExecute taint")
        try objects.remove(.pods, pod)
    }

    private func cancel(_ key: Key) {
        for pod in waiting.withLock({ $0.removeValue(forKey: key) }) ?? [] {
            objects.event(pod, .normal, reason: "DeviceTaintManagerEviction", message: "Cancelling deletion")
        }
    }

    private static func reference(_ pod: Value) -> Value {
        let metadata = pod["metadata"]
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["namespace": metadata["namespace"], "name": metadata["name"], "uid": metadata["uid"]],
        ]
    }

    /// Of a slice, the claims with devices of its pool; of a Pod that comes to a Node, its claims.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let object = after.isNull ? before : after
        do {
            guard resource == Self.slices.description else {
                let namespace = object["metadata"]["namespace"].string ?? ""
                return PodResourceClaims.names(of: object).map {
                    Key(resource: Self.claims.description, namespace: namespace, name: $0)
                }
            }
            let pool = object["spec"]["pool"]["name"].string ?? ""
            return try objects.list(Self.claims, fields: "status.allocation.devices.results[*].pool=\(pool)").map {
                Key($0, of: Self.claims.description)
            }
        } catch {
            log.error("the claims of a slice could not be found: \(error)")
            return []
        }
    }
}
