import APIModel
import Client
import FileSystem
import Glibc
import OrderedCollections

/// Brings a pod's volumes up, keeps those current that show API objects, and takes them away again.
struct Volumes: Sendable {
    let configuration: KubeletConfiguration
    let client: any Client
    let tokens: ServiceAccountTokens
    let disk: BlockingWork
    let watches: ReferenceWatches
    let csi: CSI

    /// A volume on the machine.
    struct Mounted: Equatable, Sendable {
        /// Empty for an image's.
        var path: String
        /// No container may write to it, whatever its mount says.
        var isReadOnly = false
        /// It is a device, or a link to one, and has no file system.
        var isDevice = false
        /// CRI's `ImageSpec` of an image that the runtime itself mounts.
        var image: Value?
    }

    /// One volume that could not be set up. The message is the event's.
    struct Failure: Error, CustomStringConvertible {
        var volume: String
        /// Empty when there is nothing to say beside `what`.
        var reason: String
        var what = "MountVolume.SetUp failed"
        /// Whether it is one without a file system, which has an event of its own.
        var isMap = false
        var event: String { isMap ? "FailedMapVolume" : "FailedMount" }
        var description: String { "\(what) for volume \"\(volume)\" \(reason.isEmpty ? "" : ": \(reason)")" }
    }

    /// How a kind of volume of the kubelet's own is kept.
    private struct Kind {
        var directory: String
        /// It holds what is not to reach a disk.
        var isInMemory = false
    }

    /// Where volumes of that kind are in a pod's directory.
    static let emptyDirectories = "volumes/kubernetes.io~empty-dir"

    private static let kinds = [
        "configMap": Kind(directory: "kubernetes.io~configmap"), "secret": Kind(directory: "kubernetes.io~secret", isInMemory: true),
        "downwardAPI": Kind(directory: "kubernetes.io~downward-api", isInMemory: true),
        "projected": Kind(directory: "kubernetes.io~projected", isInMemory: true), "emptyDir": Kind(directory: "kubernetes.io~empty-dir"),
    ]

    /// Sets all volumes up that are not, updates the others, and returns where each is on the machine. Throws `Failure`.
    ///
    /// Images are not among them: the containers that mount one see to it, and wait for it as for their own. Nor is what no container has.
    func setUp(_ pod: Pod, fields: FieldReference) async throws -> [String: Mounted] {
        watches.set(ReferenceWatches.references(of: pod), for: pod.uid)
        var volumes: [String: Mounted] = [:]
        let uses = VolumeUses(pod)
        for volume in pod.volumes where volume["image"].isNull && uses.contains(volume.name) {
            do {
                volumes[volume.name] = try await setUp(volume, of: pod, fields: fields, uses)
            } catch is CancellationError {
                throw CancellationError()
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(volume: volume.name, reason: "\(error)")
            }
        }
        return volumes
    }

    private func setUp(_ volume: Value, of pod: Pod, fields: FieldReference, _ uses: VolumeUses) async throws -> Mounted {
        if let path = volume[path: "hostPath", "path"].string { return try await hostPath(path, volume["hostPath"]) }
        if let claim = PodClaims.name(in: volume, pod: pod.name) {
            let isReadOnly = volume[path: "persistentVolumeClaim", "readOnly"].bool ?? false
            return try await claimed(claim, volume.name, pod, uses, isReadOnly: isReadOnly)
        }
        if let own = CSIVolume(volume, of: pod) { return try await csi.setUp(own, volume.name, of: pod) }
        guard let name = volume.fields.keys.first(where: { $0 != "name" }) ?? Optional("emptyDir"), let kind = Self.kinds[name]
        else {
            throw ConfigurationError(message: "volume type \"\(volume.fields.keys.first { $0 != "name" } ?? "")\" is not supported")
        }
        if name == "emptyDir" { return try await disk.run { try emptyDirectory(volume, kind, pod) } }
        let files = VolumeFiles(
            pod: pod,
            references: PodReferences(client: client, namespace: pod.namespace) { [watches] in watches.note($0, $1, for: pod.uid) },
            fields: fields, tokens: tokens)
        guard let payload = try await files.payload(of: volume) else {
            throw ConfigurationError(message: "volume type \"\(name)\" is not supported")
        }
        return try await disk.run { try write(payload, volume.name, kind, pod) }
    }

    private func parent(of kind: Kind, _ pod: Pod) throws -> Directory {
        let volumes = try configuration.makeDirectory(of: pod.uid).make("volumes")
        return try volumes.make(kind.directory, mode: kind.isInMemory ? 0o700 : 0o750)
    }

    private func write(_ payload: VolumeFiles.Payload, _ name: String, _ kind: Kind, _ pod: Pod) throws -> Mounted {
        let parent = try parent(of: kind, pod)
        let directory = kind.isInMemory ? try parent.memory(name, size: nil, mode: 0o755) : try parent.make(name, mode: 0o755)
        for point in NestedMounts.points(in: name, of: pod).sorted() { _ = try directory.make(point, mode: 0o755) }
        try AtomicWriter(volume: directory).write(payload, group: pod.spec[path: "securityContext", "fsGroup"].int?.int64)
        return Mounted(path: directory.path, isReadOnly: true)
    }

    private func emptyDirectory(_ volume: Value, _ kind: Kind, _ pod: Pod) throws -> Mounted {
        let parent = try parent(of: kind, pod)
        let group = pod.spec[path: "securityContext", "fsGroup"].int?.int64
        switch volume[path: "emptyDir", "medium"].string ?? "" {
        case "":
            if let there = try? parent.directory(volume.name) { return Mounted(path: there.path) }
            // It has its name once it is whole: whoever finds it has nothing to do, also after a kubelet that was killed on the way. No
            // volume has a name with a dot.
            let new = volume.name + ".new"
            let directory = try parent.make(new, mode: 0o777)
            if let group {
                try directory.change(group: group)
                try directory.change(mode: 0o2777)
            }
            try parent.rename(new, to: volume.name)
        case "Memory":
            let size = volume[path: "emptyDir", "sizeLimit"].quantity?.value.int64
            _ = try parent.memory(volume.name, size: size, mode: group == nil ? 0o777 : 0o2777, group: group)
        case let medium: throw ConfigurationError(message: "emptyDir medium \"\(medium)\" is not supported")
        }
        return Mounted(path: "\(parent.path)/\(volume.name)")
    }

    private func hostPath(_ path: String, _ source: Value) async throws -> Mounted {
        try await disk.run { try HostPath.check(path, type: source["type"].string ?? "") }
        return Mounted(path: path)
    }

    /// The place of a claim's volume, if that is one of the machine itself or of a driver.
    private func claimed(
        _ claimName: String, _ name: String, _ pod: Pod, _ uses: VolumeUses, isReadOnly: Bool
    ) async throws -> Mounted {
        let claim = try await client.get(StorageObjects.claims, namespace: pod.namespace, name: claimName).value
        guard let volumeName = claim[path: "spec", "volumeName"].string, claim[path: "status", "phase"].string == "Bound" else {
            throw ConfigurationError(message: "PVC is not bound")
        }
        let volume = try await client.get(StorageObjects.volumes, namespace: nil, name: volumeName).value
        let spec = volume["spec"]
        let mode = StorageObjects.mode(of: volume)
        try uses.check(name, mode: mode)
        if let own = CSIVolume(volume, isReadOnly: isReadOnly) {
            let mounted = try await csi.setUp(own, name, of: pod)
            try await csi.expand(own, claim, volume, of: pod)
            return mounted
        }
        var mounted: Mounted
        if mode == "Block" {
            mounted = try await localDevice(volume, pod)
        } else if let path = spec[path: "hostPath", "path"].string {
            mounted = try await hostPath(path, spec["hostPath"])
        } else if let path = spec[path: "local", "path"].string {
            mounted = try await hostPath(path, ["type": "Directory"])
        } else {
            let type = spec.fields.keys.first { !Self.common.contains($0) } ?? ""
            throw ConfigurationError(message: "persistent volume type \"\(type)\" is not supported")
        }
        mounted.isReadOnly = isReadOnly
        return mounted
    }

    /// A device of the machine that a pod has without a file system. Upstream: `volume/local`'s `localVolumeMapper`.
    private func localDevice(_ volume: Value, _ pod: Pod) async throws -> Mounted {
        let name = volume["metadata"].name
        guard let path = volume[path: "spec", "local", "path"].string else {
            let what = "MapVolume.FindMapperPluginBySpec failed to find BlockVolumeMapper plugin. Volume plugin is nil."
            throw Failure(volume: name, reason: "", what: what, isMap: true)
        }
        let place = "volumeDevices/kubernetes.io~local-volume"
        let isNew: Bool
        do {
            isNew = try await disk.run {
                try HostPath.check(path, type: "BlockDevice")
                return try configuration.linkDevice(path, for: CSILedger.Key(pod: pod.uid, volume: name), in: place)
            }
        } catch {
            throw Failure(volume: name, reason: "\(error)", what: "MapVolume.MapBlockVolume failed", isMap: true)
        }
        let directory = "\(configuration.podDirectory(pod.uid))/\(place)"
        if isNew { csi.events.event(about: pod, .normal, "SuccessfulMountVolume", Self.mapped(name, directory)) }
        return Mounted(path: "\(directory)/\(name)", isDevice: true)
    }

    static func mapped(_ volume: String, _ place: String) -> String {
        "MapVolume.MapPodDevice succeeded for volume \"\(volume)\" volumeMapPath \"\(place)\""
    }

    /// Fields that a PersistentVolume of any kind has.
    private static let common: Set<String> = [
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName",
        "volumeAttributesClassName", "volumeMode",
    ]

    /// Unmounts and removes all that the pod had here, when drivers have taken away what is theirs. What cannot be removed now is found
    /// again later. Blocks.
    func tearDown(_ uid: String) {
        tokens.forget(pod: uid)
        watches.set([], for: uid)
        guard let pods = try? Directory.open(configuration.rootDirectory + "/pods"), pods.exists(uid) else { return }
        pods.unmountAll(uid)
        pods.removeTree(uid)
    }
}

extension KubeletConfiguration {
    /// The directory of one pod's own files, made where it is not there. Nobody but root gets into it, save by what is mounted of it.
    func makeDirectory(of uid: String) throws(Files.Failure) -> Directory { try Directory.make(rootDirectory).make("pods/\(uid)") }
}
