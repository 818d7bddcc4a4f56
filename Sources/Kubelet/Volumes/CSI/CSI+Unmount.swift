import APIModel
import FileSystem
import Glibc

extension CSI {
    /// Takes a pod's volumes away, all at once, and returns when they are gone. What its containers have mounted of them must be unmounted.
    /// Throws what went wrong with one of them; the others are gone then, or as they were.
    func tearDown(_ uid: String) async throws {
        let uses = ledger.uses(of: uid)
        if uses.isEmpty { return }
        let root = configuration.rootDirectory
        // Parts of volumes that containers had hold on to the whole.
        try await disk.run { (try? Directory.open("\(root)/pods"))?.unmountAll("\(uid)/volume-subpaths") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (name, use) in uses {
                group.addTask {
                    let key = CSILedger.Key(pod: uid, volume: name)
                    try await turns.run(use.device.uniqueName) { try await unpublish(key) }
                }
            }
            var failure: (any Error)?
            while let result = await group.nextResult() {
                if case .failure(let error) = result { failure = failure ?? error }
            }
            if let failure { throw failure }
        }
    }

    private func unpublish(_ key: CSILedger.Key) async throws {
        guard let use = ledger.use(key) else { return }
        do {
            if use.progress != .wanted {
                guard let driver = drivers[use.device.driver] else {
                    throw ConfigurationError(
                        message: "kubernetes.io/csi: Unmounter.TearDownAt failed to get CSI client: \(Self.missing(use.device.driver))")
                }
                _ = try await driver.call(
                    "NodeUnpublishVolume",
                    ["volume_id": .string(use.device.handle), "target_path": .string(target(key, use.device))])
            }
            try await discard(key, use.device)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            let step = use.device.block == nil ? "UnmountVolume.TearDown" : "UnmapVolume.UnmapPodDevice"
            throw Volumes.Failure(volume: key.volume, reason: "\(error)", what: "\(step) failed")
        }
        ledger.forget(key)
        changed()
        errands.look()
    }

    /// Takes a volume off the node that no pod has any more.
    func unstage(_ device: CSIDevice) async throws {
        try await turns.run(device.uniqueName) {
            // Another pod may have come meanwhile.
            guard !ledger.isUsed(device), ledger.staging(device) != nil else { return }
            do {
                guard let driver = drivers[device.driver] else {
                    throw ConfigurationError(
                        message:
                            "kubernetes.io/csi: attacher.UnmountDevice failed to create newCsiDriverClient: \(Self.missing(device.driver))")
                }
                if try await driver.capabilities().stages {
                    let global = "\(configuration.rootDirectory)/\(device.staging)"
                    _ = try await driver.call(
                        "NodeUnstageVolume", ["volume_id": .string(device.handle), "staging_target_path": .string(global)])
                }
                try await discard(device)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw Volumes.Failure(volume: device.uniqueName, reason: "\(error)", what: "UnmountDevice failed")
            }
            ledger.note(device, nil)
            changed()
        }
    }

    /// Answers whether that was possible.
    func isDone(_ body: () async throws -> Void) async -> Bool {
        do { try await body() } catch { return false }
        return true
    }

    /// Removes what is left of a pod's mount that the driver has taken away.
    func discard(_ key: CSILedger.Key, _ device: CSIDevice) async throws {
        if device.block != nil { return try await disk.run { try removeLink(key, device) } }
        try await discard("mount", in: "\(Self.volumes)/\(key.volume)", below: configuration.podDirectory(key.pod))
    }

    /// The same of what was mounted for all pods.
    func discard(_ device: CSIDevice) async throws {
        if let block = device.block { return try await disk.run { try removePlaces(of: block) } }
        try await discard("globalmount", in: device.directory, below: configuration.rootDirectory)
    }

    /// Removes a mount point that nothing is mounted on, what is written beside it, and the directory of both. Drivers are to remove the
    /// point themselves, and not all do. Nothing else is removed: what a volume holds is never touched.
    private func discard(_ point: String, in place: String, below root: String) async throws {
        try await disk.run {
            guard let parent = try? Directory.open(root).directory(Files.parent(of: place)) else { return }
            let name = String(place.split(separator: "/").last ?? "")
            guard let directory = try? parent.directory(name) else { return }
            guard directory.removeEmpty(point) else {
                throw ConfigurationError(message: "failed to remove dir [\(root)/\(place)/\(point)]: it is mounted or not empty")
            }
            directory.remove(VolumeData.file)
            _ = parent.removeEmpty(name)
        }
    }
}
