public import APIModel
public import PluginKit

/// Makes the claims of Pods' ephemeral volumes, which go with the Pod. Rules: upstream `pkg/controller/volume/ephemeral`.
public struct EphemeralVolumeController: Controller {
    private let objects: Objects

    public init(_ host: Host, config: Value) { objects = host.objects }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let pod = try objects.get(.pods, namespace: key.namespace, name: key.name),
            pod["metadata"]["deletionTimestamp"].isNull
        else { return .done }
        for volume in pod["spec"]["volumes"].elements where !volume["ephemeral"].isNull {
            do {
                try make(volume, of: pod, namespace: key.namespace)
            } catch {
                let message = "ephemeral volume \(volume["name"].string ?? ""): \(error)"
                objects.event(pod, .warning, reason: "FailedBinding", message: message)
                throw error
            }
        }
        return .done
    }

    private func make(_ volume: Value, of pod: Value, namespace: String) throws {
        let name = PodClaims.name(of: volume, pod)
        if let claim = try objects.get(StorageObjects.claims, namespace: namespace, name: name) {
            guard OwnerReference.isControlled(claim, by: pod) else {
                throw ComponentError.fault(
                    "PVC \(namespace)/\(name) was not created for pod \(namespace)/\(pod["metadata"]["name"].string ?? "") "
                        + "(pod is not owner)")
            }
            return
        }
        do {
            try objects.create(StorageObjects.claims, namespace: namespace, Self.claim(volume, of: pod))
        } catch let error as APIError {
            if error.isOfEndingNamespace { return }
            throw ComponentError.fault("create PVC \(name): \(error.message)")
        }
    }

    static func claim(_ volume: Value, of pod: Value) -> Value {
        let template = volume["ephemeral"]["volumeClaimTemplate"]
        return [
            "apiVersion": "v1", "kind": "PersistentVolumeClaim",
            "metadata": [
                "name": .string(PodClaims.name(of: volume, pod)), "labels": template["metadata"]["labels"],
                "annotations": template["metadata"]["annotations"], "ownerReferences": [OwnerReference.controller(pod)],
            ],
            "spec": template["spec"],
        ]
    }
}
