import APIModel
import Client
import Glibc
import OrderedCollections

/// Brings a pod's volumes up, keeps those current that show API objects, and takes them away again.
struct Volumes: Sendable {
    let configuration: KubeletConfiguration
    let client: any Client
    let tokens: ServiceAccountTokens

    /// One volume that could not be set up. The message is the event's.
    struct Failure: Error, CustomStringConvertible {
        var volume: String
        var reason: String
        var description: String { "MountVolume.SetUp failed for volume \"\(volume)\" : \(reason)" }
    }

    private static let directories = [
        "configMap": "kubernetes.io~configmap", "secret": "kubernetes.io~secret", "downwardAPI": "kubernetes.io~downward-api",
        "projected": "kubernetes.io~projected",
        "emptyDir": "kubernetes.io~empty-dir",
    ]

    /// Sets all volumes up that are not, updates the others, and returns where each is on the machine. Throws `Failure`.
    func setUp(_ pod: Pod, fields: FieldReference) async throws -> [String: String] {
        var paths: [String: String] = [:]
        for volume in pod.volumes {
            do {
                paths[volume.name] = try await setUp(volume, of: pod, fields: fields)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                throw Failure(volume: volume.name, reason: "\(error)")
            }
        }
        return paths
    }

    private func setUp(_ volume: Value, of pod: Pod, fields: FieldReference) async throws -> String {
        let group = pod.spec[path: "securityContext", "fsGroup"].int
        if let path = volume[path: "hostPath", "path"].string {
            try HostPath.check(path, type: volume[path: "hostPath", "type"].string ?? "")
            return path
        }
        if !volume["persistentVolumeClaim"].isNull {
            return try await claimed(volume[path: "persistentVolumeClaim", "claimName"].string ?? "", pod)
        }
        guard let kind = volume.fields.keys.first(where: { $0 != "name" }) ?? Optional("emptyDir"), let directory = Self.directories[kind]
        else {
            throw ConfigurationError(message: "volume type \"\(volume.fields.keys.first { $0 != "name" } ?? "")\" is not supported")
        }
        let path = "\(configuration.podDirectory(pod.uid))/volumes/\(directory)/\(volume.name)"
        if kind == "emptyDir" {
            try emptyDirectory(path, volume["emptyDir"], group: group)
            return path
        }
        let files = VolumeFiles(
            pod: pod, references: PodReferences(client: client, namespace: pod.namespace), fields: fields, tokens: tokens)
        guard let payload = try await files.payload(of: volume) else {
            throw ConfigurationError(message: "volume type \"\(kind)\" is not supported")
        }
        // Secrets stay out of the disk.
        if kind == "configMap" { try Files.makeDirectories(path) } else { try Mounts.memory(at: path, size: nil) }
        try AtomicWriter(directory: path).write(payload, group: group)
        return path
    }

    private func emptyDirectory(_ path: String, _ source: Value, group: Int64?) throws {
        let isNew = !Files.exists(path)
        switch source["medium"].string ?? "" {
        case "": try Files.makeDirectories(path, mode: 0o777)
        case "Memory":
            try Mounts.memory(at: path, size: source["sizeLimit"].quantity?.value)
            if isNew { try Files.change(path, mode: 0o777) }
        case let medium: throw ConfigurationError(message: "emptyDir medium \"\(medium)\" is not supported")
        }
        if isNew, let group {
            try Files.change(path, group: group)
            try Files.change(path, mode: 0o2777)
        }
    }

    /// The path of a claim's volume, if that is one of the machine itself.
    private func claimed(_ name: String, _ pod: Pod) async throws -> String {
        let claim = try await client.get(Self.claims, namespace: pod.namespace, name: name).value
        guard let volumeName = claim[path: "spec", "volumeName"].string, claim[path: "status", "phase"].string == "Bound" else {
            throw ConfigurationError(message: "PVC is not bound")
        }
        let spec = try await client.get(Self.persistentVolumes, namespace: nil, name: volumeName).value["spec"]
        if let path = spec[path: "hostPath", "path"].string {
            try HostPath.check(path, type: spec[path: "hostPath", "type"].string ?? "")
            return path
        }
        if let path = spec[path: "local", "path"].string {
            try HostPath.check(path, type: "Directory")
            return path
        }
        let generic: Set<String> = [
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy", "storageClassName",
            "volumeAttributesClassName", "volumeMode",
        ]
        throw ConfigurationError(
            message: "persistent volume type \"\(spec.fields.keys.first { !generic.contains($0) } ?? "")\" is not supported")
    }

    private static let claims = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumeclaims")
    private static let persistentVolumes = GroupVersionResource(group: "", version: "v1", resource: "persistentvolumes")

    /// Unmounts and removes all that the pod had here. What cannot be removed now is found again at the next start.
    func tearDown(_ uid: String) {
        let directory = configuration.podDirectory(uid)
        Mounts.unmountAll(below: directory)
        Files.removeTree(directory)
        tokens.forget(pod: uid)
    }
}
