import APIModel
import APIServer
import Client
import ControllerManager
import Foundation
import HTTPTypes
import Kubelet
import Logging
import NIOCore
import PKI
import PluginHost
import Proxy
import Scheduler
import Store
import Synchronization

@testable import HTTPServer

/// A cluster in this process: store, API server and every loop, with every plugin of the default set from its own library.
final class FuzzCluster: Sendable {
    let store: Store
    let server: APIServer
    let client: any Client
    private let cache: Cache
    private let plugins: PluginHost
    private let directory: String
    private let recorders: [EventRecorder]
    private let log: Logger
    private let hasContainers: Bool
    private static let token = "fuzz"
    private static let node = "n1"

    /// - Parameter endpoint: of a CRI, for `runtime-cri`; with none the kubelet works with `runtime-fake`.
    init(endpoint: String?) throws {
        hasContainers = endpoint != nil
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("fuzz-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        var log = Logger(label: "fuzz")
        log.logLevel = .critical
        self.log = log
        store = try Store(path: directory + "/store.db", log: log)
        guard let range = DualStack<IPNetwork>("10.96.0.0/16") else { throw FuzzError("no range of addresses") }
        var serverConfiguration = APIServer.Configuration(
            store: store, serviceRanges: range, serviceAccountKey: ServiceAccountKey(), log: log)
        serverConfiguration.tokens = [try TokenFile("\(Self.token),admin,1,\"system:masters\"")]
        let executable = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = String(executable[..<(executable.lastIndex(of: "/") ?? executable.startIndex)])
        var configuration = PluginHost.Configuration(manifestDirectory: directory + "/manifests", libraryDirectories: [built])
        try Self.copyManifests(to: configuration.manifestDirectory)
        configuration.childExecutable = built + "/apus"
        configuration.config["root-ca"] = ["certificate": "the CA"]
        configuration.config["podgc"] = ["quarantineSeconds": 1]
        configuration.choose[.runtime] = endpoint == nil ? "runtime-fake" : "runtime-cri"
        if let endpoint { configuration.config["runtime-cri"] = ["endpoint": .string(endpoint)] }
        plugins = PluginHost(configuration, log: log)
        try plugins.load()
        serverConfiguration.admissionSource = plugins
        server = APIServer(serverConfiguration)
        for manifest in plugins.manifests { server.grants.set(manifest.user, rules: manifest.rules.map(PolicyRule.init)) }
        client = server.client(as: "admin", groups: ["system:masters"])
        cache = Cache(client: client, log: log)
        recorders = [
            EventRecorder(client: client, component: "default-scheduler", log: log),
            EventRecorder(client: client, component: "kubelet", host: Self.node, log: log),
        ]
    }

    /// The default set, and an admission plugin that reads all that is written but Pods, and finds no image there to refuse. What is written
    /// before it runs goes past it.
    private static func copyManifests(to directory: String) throws {
        try FileManager.default.copyItem(atPath: Scratch.root + "/plugin-manifests", toPath: directory)
        let judge = """
            apiVersion: plugins.apus.dev/v1alpha1
            kind: Plugin
            metadata: {name: judge}
            spec:
              kind: Admission
              library: libexample-admission.so
              component: fixed-images
              admission:
                failurePolicy: Ignore
                rules:
                  - operations: ["*"]
                    apiGroups: ["*"]
                    apiVersions: ["*"]
                    resources: [configmaps, secrets, services, namespaces, nodes, nodes/status, deployments, replicasets, jobs, statefulsets,
                      daemonsets, cronjobs, endpointslices, persistentvolumeclaims, persistentvolumes, roles, customresourcedefinitions,
                      leases, events, serviceaccounts, resourcequotas, limitranges]
            """
        try judge.write(toFile: directory + "/judge.yaml", atomically: true, encoding: .utf8)
    }

    private struct Finished: Error {}

    /// Runs `body` while every loop runs, and takes everything away again. Fails when a loop ends early.
    func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        let result = Box<T?>(nil)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await server.start()
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await self.cache.run() }
                group.addTask { await self.server.run() }
                for recorder in recorders { group.addTask { await recorder.run() } }
                try await plugins.start(services: HostServices(client: client, cache: cache))
                for loop in try loops() { group.addTask { try await loop() } }
                group.addTask {
                    let value = try await body()
                    result.value.withLock { $0 = value }
                    throw Finished()
                }
                do {
                    for try await _ in group { throw FuzzError("a loop ended") }
                } catch {
                    group.cancelAll()
                    while await group.nextResult() != nil {}
                    throw error
                }
            }
        } catch is Finished {}
        try await removePods()
        await plugins.stop()
        await store.close()
        guard let value = result.value.withLock({ $0 }) else { throw FuzzError("the cluster ended before its time") }
        return value
    }

    /// Containers outlive their cluster: the next one begins without any.
    private func removePods() async throws {
        guard hasContainers, let runtime = plugins.runtime else { return }
        func call(_ name: String, _ request: Value) async throws -> Value {
            let bytes = try Protobuf.encode(request, as: Catalogue.cri.type(named: name + "Request")!)
            let answer = try await runtime.call("RuntimeService/" + name, bytes, timeout: .seconds(60))
            return try Protobuf.decode(answer, as: Catalogue.cri.type(named: name + "Response")!)
        }
        for pod in try await call("ListPodSandbox", [:])["items"].elements {
            let id: Value = ["pod_sandbox_id": pod["id"]]
            _ = try? await call("StopPodSandbox", id)
            _ = try? await call("RemovePodSandbox", id)
        }
    }

    private func loops() throws -> [@Sendable () async throws -> Void] {
        let controllers = ControllerManager(services: HostServices(client: client, cache: cache), plugins: plugins, log: log)
        let scheduler = Scheduler(
            client: client, cache: cache, policies: plugins, recorder: recorders[0], log: log)
        let proxy = Proxy(
            Proxy.Configuration(nodeName: Self.node, nodeAddresses: ["10.1.0.2"], clusterCIDR: "10.1.0.0/16"), cache: cache,
            plugins: plugins, log: log)
        let kubelet = try kubelet()
        return [{ try await controllers.run() }, { try await scheduler.run() }, { try await proxy.run() }, { try await kubelet.run() }]
    }

    private func kubelet() throws -> Kubelet {
        var configuration = KubeletConfiguration(
            nodeName: Self.node, nodeAddresses: ["10.1.0.2"], podCIDRs: [], rootDirectory: directory + "/kubelet",
            podLogsDirectory: directory + "/logs",
            version: "v1.36.0+apus")
        (configuration.serverAddress, configuration.serverPort) = ("127.0.0.1", 0)
        let certificate = try CertificateAuthority.create(commonName: "fuzz").issueServer(
            commonName: "system:node:n1", names: [Self.node], addresses: ["127.0.0.1"])
        (configuration.servingCertificate, configuration.servingKey) = (certificate.certificatePEM, certificate.privateKeyPEM)
        return Kubelet(
            configuration: configuration, client: client, cache: cache, runtime: PluginRuntime(plugins),
            recorder: recorders[1], log: log)
    }

    // MARK: Operations

    struct Answer {
        var code: Int
        var body: [UInt8]
        var value: Value { (try? JSON.decode(body)) ?? .null }
    }

    /// Does it and returns the answer; of a stream, what came of it in a moment.
    func perform(_ operation: Operation) async -> Answer {
        if operation.method == Operation.plant { return await plant(operation) }
        let pieces = Mutex<[ByteBuffer]>(operation.body.isEmpty ? [] : [ByteBuffer(bytes: operation.body)])
        let body = RequestBody { pieces.withLock { $0.isEmpty ? nil : $0.removeFirst() } }
        var headers = HTTPFields()
        headers[.contentType] = operation.contentType
        headers[.accept] = operation.accept
        headers[.authorization] = "Bearer \(Self.token)"
        guard let (path, query) = RequestTarget.parse(operation.target, limit: 1000) else { return Answer(code: 400, body: []) }
        let request = Request(
            method: HTTPRequest.Method(operation.method) ?? .get, path: path, query: query, headers: headers, body: body,
            remoteAddress: "127.0.0.1:1")
        switch await server.respond(to: request) {
        case .full(let status, _, let body): return Answer(code: status.code, body: Array(body.joined()))
        case .stream(let status, _, let write):
            let collected = Box<[UInt8]>([])
            await withTaskGroup(of: Void.self) { group in
                group.addTask { try? await write(BodyWriter { piece in collected.value.withLock { $0 += piece.readableBytesView } }) }
                group.addTask { try? await Task.sleep(for: .milliseconds(100)) }
                await group.next()
                group.cancelAll()
            }
            return Answer(code: status.code, body: collected.value.withLock { $0 })
        case .upgrade: return Answer(code: 101, body: [])
        }
    }

    private func plant(_ operation: Operation) async -> Answer {
        let parts = operation.target.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, let object = try? JSON.decode(operation.body), case .object = object else {
            return Answer(code: 400, body: [])
        }
        let encoded = JSON.encodeForStore(object)
        let key = RecordKey(collection: String(parts[0]), name: String(parts[1]))
        let put = try? await store.put(
            key, Body(bytes: encoded.bytes, resourceVersionOffset: encoded.resourceVersionOffset), expecting: .any)
        return Answer(code: put == nil ? 409 : 200, body: put?.bytes ?? [])
    }

    /// Waits until nothing has been written for a moment; not for ever, as some things go on by themselves: probes, back-offs, deadlines.
    func settle() async {
        var revision = store.revision
        for _ in 0..<20 {
            try? await Task.sleep(for: .milliseconds(100))
            if store.revision == revision { return }
            revision = store.revision
        }
    }
}

/// What several tasks write to.
private final class Box<T: Sendable>: Sendable {
    let value: Mutex<T>
    init(_ value: T) { self.value = Mutex(value) }
}
