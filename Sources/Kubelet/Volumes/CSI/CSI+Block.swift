import FileSystem

/// Volumes without a file system. A pod has a link to where the driver brings the device, and the link is what an earlier kubelet is known
/// by. Upstream binds the device to one more place and holds it by a loop device, to know who uses it: the ledger knows. Upstream:
/// `volume/csi/csi_block.go`.
extension CSI {
    /// Writes that the driver is to bring the device for the pod, and makes where. Blocks.
    func makeLink(_ key: CSILedger.Key, _ device: CSIDevice) throws {
        _ = try Directory.make(configuration.rootDirectory).make(Files.parent(of: device.target(key)))
        try configuration.linkDevice(target(key, device), for: key, in: Self.devices)
    }

    /// Removes what is left of it when the driver has taken the device away. Drivers are to remove it themselves, and not all do. Blocks.
    func removeLink(_ key: CSILedger.Key, _ device: CSIDevice) throws {
        let target = device.target(key)
        if let directory = try? Directory.open(configuration.rootDirectory).directory(Files.parent(of: target)) {
            guard directory.remove(key.pod) || directory.removeEmpty(key.pod) else {
                throw ConfigurationError(message: "failed to remove [\(directory.path)/\(key.pod)]: it is mounted or not empty")
            }
        }
        (try? Directory.open(configuration.podDirectory(key.pod)).directory(Self.devices))?.remove(key.volume)
    }

    /// Removes the places of a volume that no pod has. Nothing that is mounted is touched. Blocks.
    func removePlaces(of block: String) throws {
        guard let blocks = try? Directory.open(configuration.rootDirectory).directory(CSIDevice.blocks) else { return }
        for place in ["publish", "staging"] {
            guard let directory = try? blocks.directory(place), !directory.removeTree(block) else { continue }
            throw ConfigurationError(message: "failed to remove dir [\(directory.path)/\(block)]: something is mounted there")
        }
        blocks.removeTree(block)
    }

    func tellMapped(_ volume: CSIVolume, _ pod: Pod) {
        let place = "\(configuration.podDirectory(pod.uid))/\(Self.devices)"
        events.event(about: pod, .normal, "SuccessfulMountVolume", Volumes.mapped(volume.name, place))
    }
}

extension KubeletConfiguration {
    /// Where a pod finds the device of a driver.
    func deviceLink(_ key: CSILedger.Key) -> String { "\(podDirectory(key.pod))/\(CSI.devices)/\(key.volume)" }

    /// Lets a pod find a device. Answers whether it did not yet. Blocks.
    /// - Parameter place: in the pod's directory.
    @discardableResult
    func linkDevice(_ path: String, for key: CSILedger.Key, in place: String) throws(Files.Failure) -> Bool {
        let links = try makeDirectory(of: key.pod).make(place)
        if links.linkTarget(key.volume) == path { return false }
        links.remove(key.volume)
        try links.link(path, at: key.volume)
        return true
    }
}
