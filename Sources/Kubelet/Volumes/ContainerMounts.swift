import APIModel
import Glibc

/// What is mounted into a container: volumes, the hosts file, the termination message. Upstream: `makeMounts`.
struct ContainerMounts {
    let pod: Pod
    let container: Value
    /// Where each volume is on the machine.
    let volumes: [String: String]
    let environment: [(name: String, value: String)]
    let configuration: KubeletConfiguration

    private static let propagations: [String: Int64] = ["None": 0, "HostToContainer": 1, "Bidirectional": 2]

    /// CRI's `Mount`s. Makes the files that are the container's own. Throws `ConfigurationError` and `Files.Failure`.
    func make(hostsFile: String?) throws -> [Value] {
        let values = Dictionary(environment.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        var mounts: [Value] = []
        for (index, mount) in container["volumeMounts"].elements.enumerated() {
            guard let volume = volumes[mount.name] else {
                throw ConfigurationError(message: "cannot find volume \"\(mount.name)\" to mount into container \"\(container.name)\"")
            }
            var path = volume
            var subPath = mount["subPath"].string ?? ""
            if let expression = mount["subPathExpr"].string, !expression.isEmpty { subPath = Expansion.expand(expression) { values[$0] } }
            if !subPath.isEmpty {
                let target = "\(configuration.podDirectory(pod.uid))/volume-subpaths/\(mount.name)/\(container.name)/\(index)"
                path = try SubPath.bind(subPath, of: volume, at: target)
            } else if !Files.exists(path) {
                // A path of the machine without a type: what is not there becomes a directory, as runtimes have always done it.
                try Files.makeDirectories(path)
            }
            mounts.append([
                "container_path": .string(absolute(mount["mountPath"].string ?? "")), "host_path": .string(path),
                "readonly": .bool(mount["readOnly"].bool ?? false),
                "propagation": .int(Self.propagations[mount["mountPropagation"].string ?? "None"] ?? 0),
                "recursive_read_only": mount["recursiveReadOnly"].string == "Enabled" ? true : .null,
            ])
        }
        if let hostsFile, !mounts.contains(where: { $0["container_path"].string == "/etc/hosts" }) {
            mounts.append(["container_path": "/etc/hosts", "host_path": .string(hostsFile)])
        }
        let message = container["terminationMessagePath"].string ?? "/dev/termination-log"
        if !message.isEmpty {
            let directory = "\(configuration.podDirectory(pod.uid))/containers/\(container.name)"
            try Files.makeDirectories(directory, mode: 0o750)
            let file = "\(directory)/\(String(UInt32.random(in: 0x1000_0000 ... .max), radix: 16))"
            // Whoever the container runs as must be able to write its last words.
            try Files.write([], to: file, mode: 0o666)
            mounts.append(["container_path": .string(message), "host_path": .string(file)])
        }
        return mounts
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "/" + path }
}
