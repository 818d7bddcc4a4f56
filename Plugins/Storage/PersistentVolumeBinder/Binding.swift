internal import APIModel
internal import OrderedCollections
internal import PluginKit

/// What a claim and a volume look like once they belong together. No clock, no API. Each is `nil` where it looks so already.
enum Binding {
    static func volume(_ volume: Value, for claim: Value) -> Value? {
        let (before, metadata) = (volume["spec"]["claimRef"], claim["metadata"])
        var volume = volume
        if before["uid"] != metadata["uid"] || before["name"] != metadata["name"] || before["namespace"] != metadata["namespace"] {
            // Somebody else chose it who had reserved it.
            if !StorageObjects.isMeant(volume, for: claim) {
                volume["metadata"]["annotations"][StorageAnnotation.boundByController] = "yes"
            }
            volume["spec"]["claimRef"] = [
                "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": metadata["namespace"], "name": metadata["name"],
                "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"],
            ]
            return volume
        }
        return nil
    }

    static func claim(_ claim: Value, to volume: Value) -> Value? {
        var bound = claim
        if bound["spec"]["volumeName"] != volume["metadata"]["name"] {
            bound["spec"]["volumeName"] = volume["metadata"]["name"]
            bound["metadata"]["annotations"][StorageAnnotation.boundByController] = "yes"
        }
        if !ClaimPlan.isBindCompleted(bound) { bound["metadata"]["annotations"][StorageAnnotation.bindCompleted] = "yes" }
        return bound == claim ? nil : bound
    }

    /// - Parameter volume: `nil` of a claim that has none.
    static func status(_ claim: Value, phase: String, _ volume: Value?) -> Value? {
        let before = claim["status"]
        var status = before.isNull ? Value.emptyObject : before
        status["phase"] = .string(phase)
        if let volume {
            status["accessModes"] = volume["spec"]["accessModes"]
            if before["phase"].string != phase { status["capacity"]["storage"] = volume["spec"]["capacity"]["storage"] }
            if before["phase"].string != "Bound" {
                status["currentVolumeAttributesClassName"] = volume["spec"]["volumeAttributesClassName"]
            }
        } else {
            for field in ["accessModes", "capacity", "currentVolumeAttributesClassName"] { status[field] = .null }
        }
        return status == before ? nil : status
    }
}
