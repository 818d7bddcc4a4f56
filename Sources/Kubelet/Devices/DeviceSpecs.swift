import APIModel
import FileSystem

/// What drivers have written down of their devices, by the Container Device Interface: the kubelet puts it into a container itself where the
/// runtime does not know how.
struct DeviceSpecs {
    /// Those of a later directory count before those of an earlier one.
    static let directories = ["/etc/cdi", "/var/run/cdi"]

    private struct Device {
        var edits: Value
        /// The file that it is in, and what that wants for any device of its.
        var file: String
        var common: Value
        var priority: Int
    }
    /// By qualified name, `vendor/class=name`.
    private var devices: [String: Device] = [:]
    /// Names that two files of one directory have.
    private var ambiguous: Set<String> = []

    /// Reads all of it. What is no specification is passed over. Blocks.
    init(in directories: [String] = DeviceSpecs.directories) {
        for (priority, directory) in directories.enumerated() {
            for name in Files.names(in: directory) {
                guard let bytes = Files.read("\(directory)/\(name)") else { continue }
                guard let file = Self.decode(bytes, name), let kind = file["kind"].string else { continue }
                for device in file["devices"].elements {
                    add(
                        "\(kind)=\(device.name)",
                        Device(
                            edits: device["containerEdits"], file: "\(directory)/\(name)", common: file["containerEdits"],
                            priority: priority))
                }
            }
        }
    }

    private static func decode(_ bytes: [UInt8], _ name: String) -> Value? {
        if name.hasSuffix(".json") { return try? JSON.decode(bytes) }
        guard name.hasSuffix(".yaml") else { return nil }
        return (try? YAML.decode(String(decoding: bytes, as: UTF8.self)))?.first
    }

    private mutating func add(_ name: String, _ device: Device) {
        if devices[name]?.priority == device.priority { ambiguous.insert(name) } else { ambiguous.remove(name) }
        devices[name] = device
    }

    /// CRI's `ContainerConfig` with everything that these devices want in it. Throws when there is one that nobody wrote down, or that wants
    /// what only a runtime can give.
    func put(_ names: [String], into config: Value) throws(ConfigurationError) -> Value {
        let missing = names.filter { devices[$0] == nil || ambiguous.contains($0) }
        guard missing.isEmpty else {
            throw ConfigurationError(message: "CDI device injection failed: unresolvable CDI devices \(missing.joined(separator: ", "))")
        }
        var config = config
        var files: Set<String> = []
        for name in names {
            guard let device = devices[name] else { continue }
            if files.insert(device.file).inserted { try Self.apply(device.common, of: name, to: &config) }
            try Self.apply(device.edits, of: name, to: &config)
        }
        return config
    }

    private static func apply(_ edits: Value, of name: String, to config: inout Value) throws(ConfigurationError) {
        for field in ["hooks", "intelRdt", "netDevices"] where !edits[field].isEmpty {
            throw ConfigurationError(message: "CDI device \(name) has \(field), which this container runtime does not know")
        }
        for pair in edits["env"].elements.compactMap(\.string) {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            set(["key": .string(parts[0]), "value": .string(parts.count > 1 ? parts[1] : "")], in: &config, "envs", by: "key")
        }
        for node in edits["deviceNodes"].elements {
            let host = node["hostPath"].string ?? ""
            let device: Value = [
                "container_path": node["path"], "host_path": host.isEmpty ? node["path"] : .string(host),
                "permissions": .string(node["permissions"].string ?? "rwm"),
            ]
            set(device, in: &config, "devices", by: "container_path")
        }
        for mount in edits["mounts"].elements {
            let type = mount["type"].string ?? ""
            guard ["", "bind", "none"].contains(type) else {
                throw ConfigurationError(
                    message: "CDI device \(name) has a mount of type \(type), which this container runtime does not know")
            }
            let isReadOnly = mount["options"].elements.contains { $0.string == "ro" }
            let bind: Value = [
                "container_path": mount["containerPath"], "host_path": mount["hostPath"], "readonly": .bool(isReadOnly),
            ]
            set(bind, in: &config, "mounts", by: "container_path")
        }
        let groups = edits["additionalGids"].elements.filter { $0.int != 0 }
        if !groups.isEmpty {
            let before = config[path: "linux", "security_context", "supplemental_groups"].elements
            config["linux"]["security_context"]["supplemental_groups"] = .array(before + groups.filter { !before.contains($0) })
        }
    }

    private static func set(_ value: Value, in config: inout Value, _ list: String, by field: String) {
        config[list] = .array(config[list].elements.filter { $0[field] != value[field] } + [value])
    }
}
