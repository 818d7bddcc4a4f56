import APIModel
import Client
import Foundation
import Logging

@testable import PluginHost

/// A directory of libraries and manifests for one test; gone with it.
final class Workshop: Sendable {
    let directory: String
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .path

    init() throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("apus-plugins-\(UUID())").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    struct CompilerFailure: Error { let source: String }

    /// Compiles one C file of the tree into `lib<name>.so`. What was there is replaced, not written over: it may be loaded.
    func compile(_ source: String, as name: String, defining macros: [String] = []) throws {
        try? FileManager.default.removeItem(atPath: "\(directory)/lib\(name).so")
        let compiler = Process()
        compiler.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        compiler.arguments =
            [
                "cc", "-std=c11", "-shared", "-fPIC", "-I\(Self.root)/Sources/PluginAPI/include", "\(Self.root)/\(source)", "-o",
                "\(directory)/lib\(name).so",
            ]
            + macros.map { "-D\($0)" }
        try compiler.run()
        compiler.waitUntilExit()
        guard compiler.terminationStatus == 0 else { throw CompilerFailure(source: source) }
    }

    func fixture(_ name: String, as library: String? = nil, defining macros: [String] = []) throws {
        try compile("Tests/Fixtures/plugins/\(name).c", as: library ?? name, defining: macros)
    }

    func sha256(_ library: String) throws -> String { try Library.open(path: "\(directory)/lib\(library).so", plugin: library).sha256 }

    /// A manifest of the component `fixture`. A controller is for Namespaces.
    static func plugin(
        _ name: String, _ kind: ExtensionKind = .controller, library: String, generation: Int64? = nil, _ spec: Value = .emptyObject
    ) throws -> PluginManifest {
        var spec = spec
        spec["kind"] = .string(kind.rawValue)
        spec["library"] = .string("lib\(library).so")
        if spec["component"].isNull { spec["component"] = "fixture" }
        if kind == .controller {
            spec["controller"] = ["for": ["v1/namespaces"]]
            spec["rules"] = [["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch", "patch"]]]
        }
        return try PluginManifest(object: [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin",
            "metadata": ["name": .string(name), "generation": generation.map(Value.int) ?? .null], "spec": spec,
        ])
    }

    func manifest(_ name: String, _ text: String) throws {
        try text.write(toFile: "\(directory)/\(name).yaml", atomically: true, encoding: .utf8)
    }

    /// A manifest of a controller for Namespaces.
    func controllerManifest(_ name: String, library: String, component: String = "fixture", extra: String = "") throws {
        try manifest(
            name,
            """
            apiVersion: plugins.apus.dev/v1alpha1
            kind: Plugin
            metadata: {name: \(name)}
            spec:
              kind: Controller
              library: lib\(library).so
              component: \(component)
            \(extra)
              controller: {for: [v1/namespaces]}
              rules:
                - {apiGroups: [""], resources: [namespaces], verbs: [get, list, watch, patch]}
            """)
    }

    func host() -> PluginHost {
        PluginHost(PluginHost.Configuration(manifestDirectory: directory, libraryDirectories: [directory]), log: Logger(label: "test"))
    }
}

/// An API with one Namespace, which notes who patched what.
final class NotingClient: PartialClient {
    struct Patch: Equatable {
        var user: String
        var name: String
        var patch: Value
    }
    let user: String
    let notes: Notes
    /// As if the rules of whoever calls granted no patch.
    let refusingPatches: Bool

    final class Notes: Sendable {
        let patches = Locked<[Patch]>([])
    }

    init(user: String = "system:admin", notes: Notes = Notes(), refusingPatches: Bool = false) {
        self.user = user
        self.notes = notes
        self.refusingPatches = refusingPatches
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        guard resource == .namespaces, name == "shop" else { throw APIError.notFound(resource.resource, name) }
        return Object(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "shop", "resourceVersion": "7"]])
    }
    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    )
        async throws -> Object
    {
        if refusingPatches { throw APIError(code: 403, reason: .forbidden, message: "\(user) cannot patch \(resource.resource)") }
        notes.patches.change { $0.append(Patch(user: user, name: name, patch: patch)) }
        return Object(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name), "resourceVersion": "8"]])
    }
    func impersonating(_ user: String, groups: [String]) -> any Client {
        NotingClient(user: user, notes: notes, refusingPatches: refusingPatches)
    }
}

/// A value behind a lock.
final class Locked<Value: Sendable>: @unchecked Sendable {
    // Sendable because the lock guards the only access.
    private var stored: Value
    private let lock = NSLock()
    init(_ value: Value) { stored = value }
    var value: Value { lock.withLock { stored } }
    func change(_ body: (inout Value) -> Void) { lock.withLock { body(&stored) } }
}

extension HostServices {
    static func noting(_ client: NotingClient = NotingClient()) -> HostServices {
        HostServices(client: client, cache: Cache(client: client, log: Logger(label: "test")))
    }
}
