public import APIModel
internal import OrderedCollections
public import PluginKit

/// Makes volumes on the disk of a Node: a directory each, of the claim's size where the file system can keep to it. Serves the class
/// `local`, which it makes at the start, and any other with its provisioner.
///
/// Configuration: `directory`, an absolute path of the Node that volumes lie below, and `node`, that Node's name. Without them there is no
/// disk, and all claims are left to others.
public final class ProvisionerLocalController: Controller {
    public static let settings: Set = ["directory", "node"]
    private static let provisioner = LocalVolume.provisioner

    private let objects: Objects
    private let log: Log
    private let volumes: LocalVolume?
    private let disk = Held()

    public init(_ host: Host, config: Value) throws {
        (objects, log) = (host.objects, host.log)
        guard !config.isEmpty else {
            volumes = nil
            return
        }
        guard let directory = config["directory"].string, directory.hasPrefix("/"), !directory.hasSuffix("/") else {
            throw ComponentError.invalid("config.directory: must be an absolute path such as /var/lib/apus/volumes")
        }
        guard let node = config["node"].string, !node.isEmpty else {
            throw ComponentError.invalid("config.node: must be the name of the Node whose disk that is")
        }
        volumes = LocalVolume(node: node, directory: directory)
    }

    /// Takes hold of the directory.
    /// - Throws: `Files.Failure` where it is not there: in a process of its own, a plugin sees no disk.
    public func start() throws {
        guard let volumes else { return log.info("no directory is configured: no claim gets a volume from here") }
        disk.set(try Disk(volumes.directory))
    }

    /// Of a claim, a volume, or our class.
    public func reconcile(_ key: Key) throws -> Outcome {
        guard let volumes, let disk = disk.value else { return .done }
        switch key.resource {
        case StorageObjects.claims.description:
            guard let claim = try objects.get(StorageObjects.claims, namespace: key.namespace, name: key.name),
                let storageClass = try objects.get(StorageObjects.classes, name: StorageObjects.className(of: claim))
            else { return .done }
            if volumes.isWanted(claim, storageClass) { return try provision(claim, storageClass, volumes, disk) }
            try grow(claim, volumes, disk)
        case StorageObjects.volumes.description:
            guard let volume = try objects.get(StorageObjects.volumes, name: key.name), volumes.isOurs(volume) else { return .done }
            try settle(volume, volumes, disk)
        default: try makeClass()
        }
        return .done
    }

    private func makeClass() throws {
        guard try objects.get(StorageObjects.classes, name: LocalVolume.className) == nil else { return }
        let isFirst = try !objects.list(StorageObjects.classes).contains(where: StorageObjects.isDefault)
        do {
            try objects.create(StorageObjects.classes, LocalVolume.storageClass(isDefault: isFirst))
        } catch let error as APIError where error.reason == .alreadyExists {}
    }

    // MARK: Claims

    private func provision(_ claim: Value, _ storageClass: Value, _ volumes: LocalVolume, _ disk: Disk) throws -> Outcome {
        let name = LocalVolume.name(for: claim)
        guard try objects.get(StorageObjects.volumes, name: name) == nil else { return .done }
        let labels = try objects.get(.nodes, name: volumes.node)?["metadata"]["labels"].strings ?? [:]
        if let reason = LocalVolume.refusal(claim, storageClass, labels: labels, size: disk.size) {
            fail(claim, storageClass, reason)
            return .done
        }
        let place = "\(claim["metadata"]["namespace"].string ?? "")/\(claim["metadata"]["name"].string ?? "")"
        objects.event(
            claim, .normal, reason: "Provisioning", message: "External provisioner is provisioning volume for claim \"\(place)\"")
        do {
            let isEnforced = try disk.make(name, bytes: LocalVolume.bytes(StorageObjects.requested(by: claim)))
            try objects.create(StorageObjects.volumes, volumes.volume(for: claim, storageClass, isEnforced: isEnforced))
        } catch let error as APIError where error.reason == .alreadyExists {
            return .done
        } catch {
            fail(claim, storageClass, "\(error)")
            throw error
        }
        objects.event(claim, .normal, reason: "ProvisioningSucceeded", message: "Successfully provisioned volume \(name)")
        return .done
    }

    private func fail(_ claim: Value, _ storageClass: Value, _ reason: String) {
        let name = storageClass["metadata"]["name"].string ?? ""
        objects.event(
            claim, .warning, reason: "ProvisioningFailed", message: "failed to provision volume with StorageClass \"\(name)\": \(reason)")
    }

    /// Gives a claim that is bound to a volume of ours what it asks for now.
    private func grow(_ claim: Value, _ volumes: LocalVolume, _ disk: Disk) throws {
        let wanted = StorageObjects.requested(by: claim)
        guard claim["status"]["phase"].string == "Bound", wanted > StorageObjects.capacity(ofClaim: claim),
            let name = claim["spec"]["volumeName"].string, var volume = try objects.get(StorageObjects.volumes, name: name),
            volume["spec"]["claimRef"]["uid"] == claim["metadata"]["uid"], volumes.isOurs(volume)
        else { return }
        guard LocalVolume.bytes(wanted) <= disk.size else {
            objects.event(claim, .warning, reason: "VolumeResizeFailed", message: "the node's disk has \(disk.size) bytes in all")
            return
        }
        if StorageObjects.capacity(ofVolume: volume) < wanted {
            let isEnforced = try disk.resize(name, bytes: LocalVolume.bytes(wanted))
            volume["spec"]["capacity"]["storage"] = claim["spec"]["resources"]["requests"]["storage"]
            volume["metadata"]["annotations"][LocalVolume.enforced] = isEnforced ? "true" : "false"
            volume = try objects.update(StorageObjects.volumes, volume)
        }
        var changed = claim
        changed["status"]["capacity"]["storage"] = volume["spec"]["capacity"]["storage"]
        try objects.updateStatus(StorageObjects.claims, changed)
        objects.event(claim, .normal, reason: "VolumeResizeSuccessful", message: "Resize volume succeeded")
    }

    // MARK: Volumes

    private func settle(_ volume: Value, _ volumes: LocalVolume, _ disk: Disk) throws {
        let name = volume["metadata"]["name"].string ?? ""
        if let finalizers = LocalVolume.finalizers(of: volume) {
            var changed = volume
            changed["metadata"]["finalizers"] = finalizers
            try objects.update(StorageObjects.volumes, changed)
            return
        }
        // What is removed is gone for good: the API itself is asked once more.
        guard LocalVolume.isOver(volume), let live = try objects.fetch(StorageObjects.volumes, name: name),
            live["metadata"]["uid"] == volume["metadata"]["uid"], LocalVolume.isOver(live)
        else { return }
        do {
            try disk.remove(name)
        } catch {
            objects.event(live, .warning, reason: "VolumeFailedDelete", message: "\(error)")
            throw error
        }
        var released = live
        if live["metadata"]["deletionTimestamp"].isNull {
            try objects.remove(StorageObjects.volumes, live)
            guard let going = try objects.fetch(StorageObjects.volumes, name: name) else { return }
            released = going
        }
        released["metadata"]["finalizers"] = .array(
            released["metadata"]["finalizers"].elements.filter { $0.string != LocalVolume.finalizer })
        try objects.update(StorageObjects.volumes, released)
    }

    /// Our own Node is there, so the class is to be, too.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard let volumes, after["metadata"]["name"].string == volumes.node else { return [] }
        return [Key(resource: StorageObjects.classes.description, name: LocalVolume.className)]
    }
}
