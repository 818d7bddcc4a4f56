import APIModel
import FileSystem
import Testing

@testable import Kubelet

/// Devices that their drivers have written down, for a runtime that does not read that.
@Suite struct DeviceSpecTests {
    private static let config: Value = [
        "envs": [["key": "A", "value": "pod"]], "mounts": [["container_path": "/etc/hosts", "host_path": "/h"]],
        "linux": ["security_context": ["supplemental_groups": [7]]],
    ]

    private static func put(_ names: [String], _ files: [(directory: String, name: String, text: String)]) throws -> Value {
        let scratch = TemporaryDirectory()
        defer { scratch.remove() }
        for file in files {
            try scratch.directory.make(file.directory).create(file.name, Array(file.text.utf8), mode: 0o644)
        }
        return try DeviceSpecs(in: ["etc", "run"].map { "\(scratch.path)/\($0)" }).put(names, into: config)
    }

    private static let gpu = """
        cdiVersion: 0.6.0
        kind: example.com/gpu
        containerEdits: {env: [COMMON=1]}
        devices:
          - name: "0"
            containerEdits:
              env: [A=device, B]
              deviceNodes: [{path: /dev/gpu0}, {path: /dev/ctl, hostPath: /dev/real, permissions: r}]
              mounts: [{hostPath: /lib/gpu, containerPath: /lib/gpu, options: [ro, bind]}, {hostPath: /x, containerPath: /y}]
              additionalGids: [44, 7, 0]
          - {name: "1", containerEdits: {env: [C=1]}}
          - {name: hooked, containerEdits: {hooks: [{hookName: createContainer, path: /bin/x}]}}
          - {name: memory, containerEdits: {mounts: [{hostPath: tmpfs, containerPath: /m, type: tmpfs}]}}
        """

    @Test func whatADeviceWantsIsThere() throws {
        let config = try Self.put(["example.com/gpu=0", "example.com/gpu=1"], [("etc", "gpu.yaml", Self.gpu)])
        #expect(
            config["envs"] == [
                ["key": "COMMON", "value": "1"], ["key": "A", "value": "device"], ["key": "B", "value": ""], ["key": "C", "value": "1"],
            ])
        #expect(
            config["devices"] == [
                ["container_path": "/dev/gpu0", "host_path": "/dev/gpu0", "permissions": "rwm"],
                ["container_path": "/dev/ctl", "host_path": "/dev/real", "permissions": "r"],
            ])
        #expect(
            config["mounts"] == [
                ["container_path": "/etc/hosts", "host_path": "/h"],
                ["container_path": "/lib/gpu", "host_path": "/lib/gpu", "readonly": true],
                ["container_path": "/y", "host_path": "/x", "readonly": false],
            ])
        #expect(config["linux"]["security_context"]["supplemental_groups"] == [7, 44])
    }

    @Test(arguments: [
        ("example.com/gpu=none", "CDI device injection failed: unresolvable CDI devices example.com/gpu=none"),
        ("example.com/gpu=hooked", "CDI device example.com/gpu=hooked has hooks, which this container runtime does not know"),
        (
            "example.com/gpu=memory",
            "CDI device example.com/gpu=memory has a mount of type tmpfs, which this container runtime does not know"
        ),
    ]) func whatCannotBeGivenIsRefused(_ name: String, _ reason: String) throws {
        let error = #expect(throws: ConfigurationError.self) { try Self.put([name], [("etc", "gpu.yaml", Self.gpu)]) }
        #expect(error?.message == reason)
    }

    @Test func theLaterDirectoryCounts() throws {
        func file(_ value: String) -> String {
            #"{"kind": "a/b", "devices": [{"name": "c", "containerEdits": {"env": ["V=\#(value)"]}}]}"#
        }
        let both = try Self.put(["a/b=c"], [("etc", "one.json", file("1")), ("run", "two.json", file("2")), ("run", "x.json", "{")])
        #expect(both["envs"][1]["value"].string == "2")
        #expect(throws: ConfigurationError.self, "two say something else") {
            try Self.put(["a/b=c"], [("run", "one.json", file("1")), ("run", "two.json", file("2"))])
        }
    }

    @Test(arguments: [
        ("containerd", "1.6.20~ds1", false), ("containerd", "v1.7.24", true), ("containerd", "2.1.0", true), ("cri-o", "1.20", true),
    ]) func whichRuntimesReadThem(_ name: String, _ version: String, _ reads: Bool) {
        #expect(RuntimeIdentity.readsDeviceSpecs(name: name, version: version) == reads)
    }
}
