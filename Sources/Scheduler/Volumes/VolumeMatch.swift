package import APIModel

/// Which PersistentVolumes will do for a claim that waits.
enum VolumeMatch {
    /// Of a Node, what a volume's node affinity looks at.
    struct Place {
        let name: String
        let labels: [String: String]
    }

    /// Whether the volume is as the claim wants it, wherever it is.
    static func fits(_ volume: Object, _ claim: Object) -> Bool {
        guard StorageObjects.className(of: volume.value) == StorageObjects.className(of: claim.value),
            StorageObjects.suffices(volume.value, for: claim.value)
        else { return false }
        let selector = claim.value["spec"]["selector"]
        return selector.isNull || (try? LabelSelector(selector))?.matches(volume.labels) ?? false
    }
}

/// How a claim that waited gets its volume, now that its Pod has a Node.
package enum VolumeBinding: Sendable {
    /// This one, which is there.
    case existing(claim: Object, volume: Object)
    /// One that a provisioner makes for the Node.
    case provisioned(claim: Object)

    var claim: Object {
        switch self {
        case .existing(let claim, _), .provisioned(let claim): claim
        }
    }
}
