import APIModel
import Client
import FileSystem
import Glibc
import Logging
import OrderedCollections
import Synchronization
import TestSupport

@testable import Kubelet

/// Makes pods for tests.
func makePod(_ name: String = "web", spec: Value = .null, metadata: Value = .null, status: Value = .null) -> Value {
    var pod: Value = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": .string(name), "namespace": "default", "uid": .string("uid-\(name)"), "generation": 1],
        "spec": [
            "nodeName": "node", "restartPolicy": "Always", "containers": [["name": "web", "image": "web:1"]],
            "terminationGracePeriodSeconds": 1,
        ],
        "status": ["phase": "Pending"],
    ]
    for (field, value) in spec.fields { pod["spec"][field] = value }
    for (field, value) in metadata.fields { pod["metadata"][field] = value }
    if !status.isNull { pod["status"] = status }
    return pod
}

func pod(_ spec: Value = .null, metadata: Value = .null, status: Value = .null) -> Pod {
    Pod(Object(makePod(spec: spec, metadata: metadata, status: status)))
}

/// The node that pods of tests are on.
func makeNode(
    uid: String? = nil, labels: Value = ["kubernetes.io/os": "linux"], taints: Value = .null, allocatable: Value = .null
) -> Value {
    var node: Value = [
        "apiVersion": "v1", "kind": "Node", "metadata": ["name": "node", "uid": Value(uid), "labels": labels], "spec": ["taints": taints],
        "status": ["allocatable": ["cpu": "2", "memory": "4Gi", "ephemeral-storage": "10Gi", "pods": "110"]],
    ]
    for (resource, amount) in allocatable.fields { node["status"]["allocatable"][resource] = amount }
    return node
}

/// A container of the runtime.
func container(_ name: String, _ state: PodRuntime.Container.State, exit: Whole = 0, sandbox: String = "s1", image: String = "web:1")
    -> PodRuntime.Container
{
    PodRuntime.Container(
        id: "id-\(name)", sandbox: sandbox, name: name, attempt: 0, state: state, createdAt: 1, exitCode: exit,
        hash: ContainerHash.hash(of: ["name": .string(name), "image": .string(image)]))
}

func sandbox(_ id: String = "s1", attempt: Whole = 0, isReady: Bool = true) -> PodRuntime.Sandbox {
    PodRuntime.Sandbox(id: id, attempt: attempt, isReady: isReady, createdAt: 1, ips: ["10.1.0.1"], networkMode: 0)
}

/// A directory of its own for one test, removed by `remove`. In memory: the tests are of what files are, not of how fast a disk is.
struct TemporaryDirectory {
    private static let parent = "/dev/shm"
    let path: String

    init() {
        var template = Array("\(Self.parent)/kubelet-tests.XXXXXX".utf8CString)
        path = template.withUnsafeMutableBufferPointer { String(cString: mkdtemp($0.baseAddress!)) }
    }

    var directory: Directory { get throws { try Directory.open(path) } }

    func remove() {
        guard let parent = try? Directory.open(Self.parent) else { return }
        let name = String(path.dropFirst(Self.parent.count + 1))
        parent.unmountAll(name)
        parent.removeTree(name)
    }
}

final class RecordedEvents: EventSink {
    private let list = Mutex<[(reason: String, message: String)]>([])
    func event(about involved: Value, type: EventType, reason: String, message: String) { list.withLock { $0.append((reason, message)) } }
    var reasons: [String] { list.withLock { $0.map(\.reason) } }
    /// The reasons of what was told with these words, in order.
    func reasons(saying words: String) -> [String] { list.withLock { $0.filter { $0.message.contains(words) }.map(\.reason) } }
    func message(_ reason: String) -> String? { list.withLock { $0.last { $0.reason == reason }?.message } }
}

/// Everything a pod needs to live, over doubles.
struct Bench: Sendable {
    let directory: TemporaryDirectory
    let runtime: FakeRuntime
    let client: FakeClient
    let events: RecordedEvents
    let packetFilter = FakePacketFilter()
    let context: Context

    /// - Parameter driverLimit: how long a call of a storage driver may take.
    init(
        driverLimit: Duration = .seconds(120), topology: CPUTopology = CPUTopology([:]),
        memory: MemoryTopology = MemoryTopology(nodes: [:]),
        _ configure: (inout KubeletConfiguration) -> Void = { _ in }
    ) {
        self.init(
            TemporaryDirectory(), FakeRuntime(), FakeClient(), RecordedEvents(), driverLimit: driverLimit, topology: topology,
            memory: memory, configure)
    }

    /// Another kubelet over what the first one left.
    init(
        after first: Bench, topology: CPUTopology = CPUTopology([:]), memory: MemoryTopology = MemoryTopology(nodes: [:]),
        _ configure: (inout KubeletConfiguration) -> Void = { _ in }
    ) {
        self.init(first.directory, first.runtime, first.client, first.events, topology: topology, memory: memory, configure)
    }

    private init(
        _ directory: TemporaryDirectory, _ runtime: FakeRuntime, _ client: FakeClient, _ events: RecordedEvents,
        driverLimit: Duration = .seconds(120), topology: CPUTopology, memory: MemoryTopology,
        _ configure: (inout KubeletConfiguration) -> Void = { _ in }
    ) {
        (self.directory, self.runtime, self.client, self.events) = (directory, runtime, client, events)
        var configuration = KubeletConfiguration(
            nodeName: "node", nodeAddresses: ["192.0.2.1"], podCIDRs: [], rootDirectory: directory.path + "/kubelet",
            podLogsDirectory: directory.path + "/logs",
            version: "v1.36.0+apus")
        configuration.clusterDNS = ["10.96.0.10"]
        // Not where a cluster of this machine has its pods.
        configuration.cgroupRoot = "/apus-tests"
        configure(&configuration)
        let log = Logger(label: "test")
        let cri = CRI(runtime: runtime, patience: .seconds(1))
        let disk = BlockingWork()
        let node = OwnNode(name: "node", initial: makeNode(), client: client)
        let tokens = ServiceAccountTokens(client: client)
        var csi = CSI(configuration: configuration, client: client, tokens: tokens, disk: disk, node: node, events: events, log: log)
        csi.limit = driverLimit
        context = Context(
            configuration: configuration, client: client, cri: cri,
            reader: PodRuntimeReader(cri: cri, messages: TerminationMessage(configuration: configuration), disk: disk),
            images: Images(cri: cri, client: client, pulls: ImagePulls(configuration, disk: disk, log: log), events: events),
            volumes: Volumes(
                configuration: configuration, client: client, tokens: tokens, disk: disk,
                watches: ReferenceWatches(client: client, log: log),
                csi: csi),
            disk: disk, events: events,
            statuses: StatusSender(client: client, log: log), machine: Machine(rootDirectory: "/tmp", kubeletVersion: "v1.36.0+apus"),
            node: node, allocations: Allocations(),
            devices: DeviceManager(root: configuration.rootDirectory, disk: disk, log: log, changed: {}),
            claims: ClaimManager(configuration, client: client, disk: disk, log: log, wipingDelay: .milliseconds(200)),
            cpus: CPUManager(configuration, topology: topology, disk: disk),
            memory: MemoryManager(configuration, topology: memory, disk: disk),
            pressure: PressureGauge(policy: configuration.eviction),
            hostPorts: HostPorts(podCIDRs: [], run: packetFilter.run), runtimeName: { "containerd" }, features: { RuntimeFeatures() },
            services: { _ in [] }, log: log,
            networkProblem: { runtime.state.withLock { $0.networkProblem } })
    }

    /// Runs the pods' part of the kubelet while `body` runs. What it wrote is removed then, unless another is to follow.
    func run(_ given: Pods? = nil, isFollowed: Bool = false, _ body: @Sendable @escaping () async throws -> Void) async throws {
        defer { if !isFollowed { directory.remove() } }
        let pods = given ?? Pods(context: context)
        let services = Cache(client: client, log: context.log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try? await services.run() }
            group.addTask { await self.context.statuses.run() }
            group.addTask { try? await pods.run(self.runtime, services: services) }
            defer { group.cancelAll() }
            try await body()
        }
    }

    /// Waits until the pod's status is as wanted.
    @discardableResult
    func wait(_ what: String, of name: String = "web", _ isMet: @Sendable (Value) -> Bool) async throws -> Value {
        var status = Value.null
        for _ in 0..<400 {
            status = client.object(.pods, "default", name)?["status"] ?? .null
            if isMet(status) { return status }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TimedOut(
            "\(what): \(String(decoding: JSON.encode(status), as: UTF8.self)); events \(events.reasons.suffix(20)); calls \(runtime.calls.suffix(20))"
        )
    }

    func eventually(_ what: String, _ isMet: @Sendable () -> Bool) async throws {
        try await TestSupport.eventually("\(what); events \(events.reasons.suffix(20)); calls \(runtime.calls.suffix(20))", isMet)
    }
}

extension Value {
    func condition(_ type: String) -> String? { self["conditions"].elements.first { $0["type"].string == type }?["status"].string }
}

func permissions(of path: String) -> UInt32? { Files.status(path)?.permissions }
