import APIModel
import Client
import Foundation
import Logging
import PluginHost

@testable import Scheduler

/// Objects for tests.
func node(
    _ name: String, cpu: String = "4", memory: String = "8Gi", pods: String = "110", labels: [String: String] = [:],
    spec: Value = .emptyObject, extra: [String: String] = [:]
)
    -> Object
{
    var allocatable: Value = ["cpu": .string(cpu), "memory": .string(memory), "pods": .string(pods)]
    for (resource, amount) in extra { allocatable[resource] = .string(amount) }
    return Object([
        "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": Value(labels)], "spec": spec,
        "status": ["allocatable": allocatable],
    ])
}

func pod(
    _ name: String, cpu: String? = nil, memory: String? = nil, on node: String? = nil, spec: Value = .emptyObject,
    phase: String = "Pending", uid: String? = nil, labels: [String: String] = [:]
) -> Object {
    var full = spec
    if full["containers"].isNull {
        full["containers"] = [["name": "c", "resources": ["requests": ["cpu": Value(cpu), "memory": Value(memory)]]]]
    }
    if let node { full["nodeName"] = .string(node) }
    return Object([
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
            "name": .string(name), "namespace": "default", "uid": .string(uid ?? "uid-\(name)"), "resourceVersion": "1",
            "labels": Value(labels),
        ],
        "spec": full,
        "status": ["phase": .string(phase)],
    ])
}

/// The policies as they are in production: shared libraries, loaded from where the build put them.
enum Policies {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    private static let products: String = {
        let executable = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
    }()

    static func load(enable: Set<String> = []) async throws -> PluginHost {
        var configuration = PluginHost.Configuration(
            manifestDirectory: root + "/plugin-manifests", libraryDirectories: [products], kinds: [.schedulerPolicy])
        configuration.enable = enable
        let host = PluginHost(configuration, log: Logger(label: "test"))
        try host.load()
        return try await start(host)
    }

    /// Where the libraries are that do what Pods' names say; made once, gone with the process.
    private static let workshop: String = {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-wayward-\(UUID())").path
        try? FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for name in ["wayward", "queue"] {
            let compiler = Process()
            compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            compiler.arguments = [
                "cc", "-std=c11", "-shared", "-fPIC", "-I\(root)/Sources/PluginAPI/include", "\(root)/Tests/Fixtures/plugins/\(name).c",
                "-o",
                "\(directory)/lib\(name).so",
            ]
            // Without the library the host says what is missing.
            try? compiler.run()
            compiler.waitUntilExit()
        }
        atexit { try? FileManager.default.removeItem(atPath: Policies.workshop) }
        return directory
    }()

    /// The default policy with one beside it that does what Pods' names say, and observes ConfigMaps.
    static func wayward(isolated: Bool = false) async throws -> PluginHost { try await load(beside: "wayward", isolated: isolated) }

    /// The default policy with one beside it that orders the queue by the Pods' names, and does before a bind what they say.
    /// - Parameter deadline: of its slots, in seconds, in place of theirs.
    static func queue(isolated: Bool = false, deadline: Int? = nil) async throws -> PluginHost {
        try await load(beside: "queue", isolated: isolated, deadline: deadline)
    }

    static func manifest(_ name: String, isolated: Bool = false, enabled: Bool = true, deadline: Int? = nil) throws -> PluginManifest {
        var spec: Value = [
            "kind": "SchedulerPolicy", "library": .string("lib\(name).so"), "component": "fixture", "enabled": .bool(enabled),
            "isolation": isolated ? "Process" : "None", "policy": ["watches": [["resource": "v1/configmaps"]]],
            "rules": [["apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]]],
        ]
        if let deadline { spec["deadlineSeconds"] = Value(deadline) }
        return try PluginManifest(object: [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": .string(name)], "spec": spec,
        ])
    }

    private static func load(beside name: String, isolated: Bool, deadline: Int? = nil) async throws -> PluginHost {
        let directory = workshop
        var configuration = PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [products, directory])
        configuration.childExecutable = products + "/apus"
        let host = PluginHost(configuration, log: Logger(label: "test"))
        let standard = try PluginManifest.read(directory: root + "/plugin-manifests").filter { $0.name == "scheduler-default" }
        try host.load(standard + [manifest(name, isolated: isolated, deadline: deadline)])
        return try await start(host)
    }

    private static func start(_ host: PluginHost) async throws -> PluginHost {
        try await host.start(services: HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: Logger(label: "test"))))
        return host
    }
}
