internal import APIModel
internal import PluginKit

/// What should become of a volume, given its claim. No clock, no API. Rules: upstream's `syncVolume` and `reclaimVolume`.
enum VolumePlan {
    enum Step: Equatable {
        case phase(String)
        /// Its claim is gone, or does not want it any more: it is Released, unless it has failed already, and then what its policy says.
        case release
        /// The claim is elsewhere: whoever comes next may have it.
        case unbind
        /// The claim cannot take it.
        case refuse
        /// The claim is about to take it, which is the claim's to do.
        case wait
    }

    /// - Parameter claim: the one of the name and uid that the volume says, `nil` where there is none any more.
    static func step(_ volume: Value, claim: Value?) -> Step {
        let reference = volume["spec"]["claimRef"]
        if reference.isNull || reference["uid"].isEmpty { return .phase("Available") }
        guard let claim else { return .release }
        let name = claim["spec"]["volumeName"].string ?? ""
        if name.isEmpty { return StorageObjects.mode(of: volume) == StorageObjects.mode(of: claim) ? .wait : .refuse }
        if name == volume["metadata"]["name"].string { return .phase("Bound") }
        let isProvisioned = !volume["metadata"]["annotations"][StorageAnnotation.provisionedBy].isNull
        return isProvisioned && policy(volume) == "Delete" ? .release : .unbind
    }

    /// Free again: for anybody where a controller had bound it, else for a claim of the name that a user had reserved it for.
    static func unbound(_ volume: Value) -> Value {
        var volume = volume
        if volume["metadata"]["annotations"][StorageAnnotation.boundByController].isNull {
            volume["spec"]["claimRef"]["uid"] = .null
        } else {
            volume["spec"]["claimRef"] = .null
            volume["metadata"]["annotations"][StorageAnnotation.boundByController] = .null
            if volume["metadata"]["annotations"].isEmpty { volume["metadata"]["annotations"] = .null }
        }
        return volume
    }

    static func policy(_ volume: Value) -> String { volume["spec"]["persistentVolumeReclaimPolicy"].string ?? "Retain" }

    /// Why a released volume cannot be reclaimed as its policy says, with the Event's reason; `nil` where it needs nobody, or where who
    /// made it does it.
    static func failure(_ volume: Value) -> (reason: String, message: String)? {
        switch policy(volume) {
        case "Retain": return nil
        case "Recycle": return ("VolumeFailedRecycle", "No recycler plugin found for the volume!")
        case "Delete":
            let maker = volume["metadata"]["annotations"][StorageAnnotation.provisionedBy].string ?? ""
            if maker.isEmpty {
                let name = volume["metadata"]["name"].string ?? ""
                return (
                    "VolumeFailedDelete",
                    "error getting deleter volume plugin for volume \"\(name)\": no deletable volume plugin matched"
                )
            }
            return maker.hasPrefix("kubernetes.io/") ? ("VolumeFailedDelete", "no volume plugin matched name: \(maker)") : nil
        default: return ("VolumeUnknownReclaimPolicy", "Volume has unrecognized PersistentVolumeReclaimPolicy")
        }
    }
}
