internal import APIModel
internal import APIServer
internal import Client
internal import PKI
internal import PluginHost
internal import Store

/// A real API server on a store of its own, with nobody in it but the controller under test.
final class ControllerEnvironment: Sendable {
    /// As an administrator.
    let client: any Client
    let controller: ControllerPlugin
    let manifest: ControllerManifest
    /// What stands between the controller and the API.
    let gate: WriteGate
    private let host: PluginHost
    private let cache: Cache

    private init(client: any Client, controller: ControllerPlugin, gate: WriteGate, host: PluginHost, cache: Cache) {
        self.client = client
        self.controller = controller
        manifest = controller.manifest
        self.gate = gate
        self.host = host
        self.cache = cache
    }

    static let namespace = "default"
    private struct Finished: Error {}

    /// Runs `body` in a world of its own, and takes it away again.
    static func with(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (ControllerEnvironment) async throws -> Void) async throws {
        let scratch = try Scratch()
        let store = try Store(path: scratch.path + "/store.db", log: Hosted.quiet)
        let manifest = try Hosted.manifest(plugin)
        let server = APIServer(
            APIServer.Configuration(
                store: store, serviceRanges: DualStack<IPNetwork>("10.96.0.0/16")!, serviceAccountKey: ServiceAccountKey(),
                log: Hosted.quiet))
        if let recorder = plugin.recorder {
            server.grants.set(manifest.user, rules: [RightsRecorder.everything])
            server.grants.observe(manifest.user) { recorder.note($0) }
        } else {
            server.grants.set(manifest.user, rules: manifest.rules.map(PolicyRule.init))
        }
        let result: Result<Void, any Error>
        do {
            try await server.start()
            let client = server.client(as: "admin", groups: ["system:masters"])
            try await populate(client)
            let gate = WriteGate()
            let cache = Cache(client: client, log: Hosted.quiet)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await cache.run() }
                group.addTask {
                    let services = HostServices(client: GatedClient(client, gate: gate, user: manifest.user), cache: cache)
                    _ = try await manifest.controller?.watch(in: cache, services.kinds.kinds)
                    try await Hosted.run(plugin, services: services) { host in
                        guard let controller = host.controllers.first else {
                            throw Failure("the host does not run it: \(host.plugins.first?.reason ?? "")")
                        }
                        try await body(ControllerEnvironment(client: client, controller: controller, gate: gate, host: host, cache: cache))
                    }
                    throw Finished()
                }
                defer { group.cancelAll() }
                _ = try await group.next()
                throw Failure("the API server's cache ended before the check did")
            }
            result = .success(())
        } catch is Finished {
            result = .success(())
        } catch {
            result = .failure(error)
        }
        await store.close()
        try withExtendedLifetime(scratch) { try result.get() }
    }

    /// What every cluster has: a Node, and the ServiceAccount that Pods run as.
    private static func populate(_ client: any Client) async throws {
        let objects: [(GroupVersionResource, String?, Value)] = [
            (.nodes, nil, ["apiVersion": "v1", "kind": "Node", "metadata": ["name": "n1"]]),
            (.serviceAccounts, namespace, ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default"]]),
        ]
        for (resource, namespace, object) in objects {
            do {
                _ = try await client.create(resource, namespace: namespace, object)
            } catch let error as APIError where error.reason == .alreadyExists {}
        }
    }

    /// Takes the plugin down while calls are under way.
    func stopPlugin() async { await host.stop() }

    /// Makes an object and waits until the controller's cache has it.
    func create(_ resource: GroupVersionResource, _ object: Value) async throws -> Object {
        let isNamespaced = Catalogue.builtin.resource(resource)?.isNamespaced ?? true
        let namespace = isNamespaced ? object["metadata"]["namespace"].string ?? Self.namespace : nil
        if let namespace, namespace != Self.namespace { try await makeNamespace(namespace) }
        let made = try await client.create(resource, namespace: namespace, object)
        try await cache.wait(for: resource, resourceVersion: made.resourceVersion)
        return made
    }

    private func makeNamespace(_ name: String) async throws {
        do {
            _ = try await client.create(.namespaces, ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]])
        } catch let error as APIError where error.reason == .alreadyExists {}
    }

    /// Asks for the object's deletion, which a finalizer holds up, and waits until the controller's cache has that. `nil` when it is gone
    /// at once.
    func delete(_ resource: GroupVersionResource, _ object: Object) async throws -> Object? {
        let namespace = object.namespace.isEmpty ? nil : object.namespace
        try await client.delete(resource, namespace: namespace, name: object.name)
        guard let left = try? await client.get(resource, namespace: namespace, name: object.name) else { return nil }
        try await cache.wait(for: resource, resourceVersion: left.resourceVersion)
        return left
    }
}
