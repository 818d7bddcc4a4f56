import APIModel

/// Which of a pod's volumes its containers have, and as what. Upstream: `volume/util.GetPodVolumeNames`.
struct VolumeUses: Sendable {
    private var mounts: Set<String> = []
    private var devices: Set<String> = []

    init(_ pod: Pod) {
        for container in pod.allContainers {
            mounts.formUnion(container["volumeMounts"].elements.map(\.name))
            devices.formUnion(container["volumeDevices"].elements.map(\.name))
        }
    }

    func contains(_ volume: String) -> Bool { mounts.contains(volume) || devices.contains(volume) }

    /// Throws when a container has the volume as something that it is not.
    /// - Parameter mode: the PersistentVolume's.
    func check(_ volume: String, mode: String) throws(ConfigurationError) {
        let used = [("Filesystem", "volumeMounts", mounts), ("Block", "volumeDevices", devices)]
        guard let wrong = used.first(where: { $0.0 != mode && $0.2.contains(volume) }) else { return }
        throw ConfigurationError(message: "volume \(volume) has volumeMode \(mode), but is specified in \(wrong.1)")
    }
}
