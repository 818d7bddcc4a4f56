import APIModel
import FileSystem
import Glibc

/// What is mounted into a container: volumes, the hosts file, the termination message. Upstream: `makeMounts`.
struct ContainerMounts {
    let pod: Pod
    let container: Value
    let volumes: [String: Volumes.Mounted]
    let environment: [(name: String, value: String)]
    let configuration: KubeletConfiguration
    /// Whether the runtime can make what is mounted inside a mount read-only, too.
    let hasRecursiveReadOnly: Bool

    private static let propagations: [String: Int64] = ["None": 0, "HostToContainer": 1, "Bidirectional": 2]

    /// CRI's `Mount`s. Makes the files that are the container's own. Blocks. Throws `ConfigurationError` and `Files.Failure`.
    /// - Parameter hostsFile: what the pod's hosts file says; `nil` when the container has its own.
    func make(hostsFile: String?) throws -> [Value] {
        let files = try configuration.makeDirectory(of: pod.uid)
        var mounts: [Value] = []
        for (index, mount) in container["volumeMounts"].elements.enumerated() {
            guard let volume = volumes[mount.name], !volume.isDevice else {
                throw ConfigurationError(message: "cannot find volume \"\(mount.name)\" to mount into container \"\(container.name)\"")
            }
            let subPath = try subPath(of: mount)
            let isReadOnly = volume.isReadOnly || mount["readOnly"].bool ?? false
            var made: Value = [
                "container_path": .string(TerminationMessage.absolute(mount["mountPath"].string ?? "")),
                "readonly": .bool(isReadOnly),
                "propagation": .int(Self.propagations[mount["mountPropagation"].string ?? "None"] ?? 0),
                "recursive_read_only": try isReadOnlyThroughout(mount) ? true : .null,
            ]
            if let image = volume.image {
                // The runtime unpacks it and finds the part of it.
                made["image"] = image
                if !subPath.isEmpty { made["image_sub_path"] = .string(subPath) }
            } else {
                made["host_path"] = .string(try path(of: mount, subPath, index, volume, files))
            }
            mounts.append(made)
        }
        if let hostsFile {
            // Containers that run have it open: only what changed is written.
            let content = Array(hostsFile.utf8)
            if files.read("etc-hosts") != content { try files.write("etc-hosts", content, mode: 0o644) }
            mounts.append(["container_path": "/etc/hosts", "host_path": .string(files.path + "/etc-hosts")])
        }
        let message = container["terminationMessagePath"].string ?? "/dev/termination-log"
        if !message.isEmpty {
            let directory = try files.make("containers/\(container.name)")
            let name = String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16)
            // Whoever the container runs as must be able to write its last words.
            try directory.create(name, [], mode: 0o666)
            mounts.append([
                "container_path": .string(TerminationMessage.absolute(message)), "host_path": .string("\(directory.path)/\(name)"),
            ])
        }
        return mounts
    }

    /// CRI's `Device`s: the volumes without a file system. Throws `ConfigurationError`. Upstream: `makeBlockVolumes`.
    func devices() throws(ConfigurationError) -> [Value] {
        try container["volumeDevices"].elements.map { device throws(ConfigurationError) in
            let path = device["devicePath"].string ?? ""
            guard path.hasPrefix("/") else { throw ConfigurationError(message: "error DevicePath `\(path)` must be an absolute path") }
            guard let volume = volumes[device.name], volume.isDevice else {
                throw ConfigurationError(message: "cannot find volume \"\(device.name)\" to pass into container \"\(container.name)\"")
            }
            return [
                "container_path": .string(path), "host_path": .string(volume.path), "permissions": volume.isReadOnly ? "r" : "mrw",
            ]
        }
    }

    /// Where on the machine the mount's part of the volume is.
    private func path(of mount: Value, _ subPath: String, _ index: Int, _ volume: Volumes.Mounted, _ files: Directory) throws -> String {
        guard !subPath.isEmpty else {
            // A path of the machine without a type: what is not there becomes a directory, as runtimes have always done it.
            try HostPath.makeDirectory(volume.path)
            return volume.path
        }
        do throws(SubPath.Problem) {
            let place = "volume-subpaths/\(mount.name)/\(container.name)/\(index)"
            return try SubPath.bind(subPath, of: volume.path, in: files, at: place)
        } catch {
            let what = error == .make ? "create subPath directory" : "prepare subPath"
            throw ConfigurationError(message: "failed to \(what) for volumeMount \"\(mount.name)\" of container \"\(container.name)\"")
        }
    }

    /// Which part of the volume the mount shows, empty for all of it.
    private func subPath(of mount: Value) throws -> String {
        let subPath = try expandedSubPath(of: mount)
        if subPath.hasPrefix("/") { throw ConfigurationError(message: "error SubPath `\(subPath)` must not be an absolute path") }
        if subPath.split(separator: "/").contains("..") {
            throw ConfigurationError(message: "unable to provision SubPath `\(subPath)`: must not contain '..'")
        }
        return subPath
    }

    private func expandedSubPath(of mount: Value) throws -> String {
        guard let expression = mount["subPathExpr"].string, !expression.isEmpty else { return mount["subPath"].string ?? "" }
        let values = Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var missing: Set<String> = []
        let path = try Expansion.expand(expression) { name in
            if values[name]?.isEmpty ?? true { missing.insert(name) }
            return values[name]
        }
        guard missing.isEmpty else { throw ConfigurationError(message: "missing value for \(missing.sorted().joined(separator: ", "))") }
        return path
    }

    /// Upstream: `resolveRecursiveReadOnly`.
    private func isReadOnlyThroughout(_ mount: Value) throws -> Bool {
        let mode = mount["recursiveReadOnly"].string ?? "Disabled"
        if mode == "Disabled" { return false }
        let requested = "volume \"\(mount.name)\" requested recursive read-only mode, but it is not"
        guard mount["readOnly"].bool == true else { throw ConfigurationError(message: "\(requested) read-only") }
        if let propagation = mount["mountPropagation"].string, propagation != "None" {
            throw ConfigurationError(message: "\(requested) compatible with propagation \"\(propagation)\"")
        }
        if mode == "Enabled" && !hasRecursiveReadOnly { throw ConfigurationError(message: "\(requested) supported by the runtime") }
        return hasRecursiveReadOnly
    }
}
