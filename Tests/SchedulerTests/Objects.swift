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
    static func load(enable: Set<String> = []) async throws -> PluginHost {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        var configuration = PluginHost.Configuration(
            manifestDirectory: root + "/plugin-manifests", libraryDirectories: [String(executable[..<executable.lastIndex(of: "/")!])],
            kinds: [.schedulerPolicy])
        configuration.enable = enable
        let log = Logger(label: "test")
        let host = PluginHost(configuration, log: log)
        try host.load()
        try await host.start(services: HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: log)))
        return host
    }
}
