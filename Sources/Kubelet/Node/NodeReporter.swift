import APIModel
import Client
import Logging
import Synchronization

/// Registers the node, and tells the API how it is: at once when something changes, every five minutes otherwise; the Lease every ten
/// seconds says that it lives. The periods are those of the configuration.
final class NodeReporter: Sendable {
    private let configuration: KubeletConfiguration
    private let client: any Client
    private let cri: CRI
    private let machine: Machine
    private let pressure: PressureGauge
    private let identity: RuntimeIdentity
    private let events: any EventSink
    private let log: Logger
    private let state = Mutex(State())
    /// Volumes that drivers have on this node; `nil` when that is not known yet.
    private let volumesInUse: @Sendable () -> [String]?
    private let devices: @Sendable () -> DeviceBook.Figures
    private let shutdown: NodeShutdown
    /// Set to report soon.
    let wakeup: Wakeup
    /// Set when the API has been told that the node is ready.
    private let ready: Wakeup

    private struct State {
        var sent: Value = .null
        var sentAt: Whole = 0
        var isRegistered = false
        var isReady = false
        var uid = ""
    }

    init(
        configuration: KubeletConfiguration, client: any Client, cri: CRI, machine: Machine, pressure: PressureGauge,
        identity: RuntimeIdentity,
        events: any EventSink, volumesInUse: @escaping @Sendable () -> [String]?,
        devices: @escaping @Sendable () -> DeviceBook.Figures = { .init() }, shutdown: NodeShutdown = NodeShutdown(), wakeup: Wakeup,
        ready: Wakeup, log: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.cri = cri
        self.machine = machine
        self.pressure = pressure
        self.identity = identity
        self.events = events
        self.volumesInUse = volumesInUse
        self.devices = devices
        self.shutdown = shutdown
        self.wakeup = wakeup
        self.ready = ready
        self.log = log
    }

    /// Whether the node was ready when last looked at.
    var isReady: Bool { state.withLock { $0.isReady } }

    /// Reports until cancelled.
    func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.reportStatus() }
            group.addTask { await self.renewLease() }
        }
    }

    private func reportStatus() async {
        var wait = Duration.milliseconds(100)
        while !Task.isCancelled {
            var next = Duration.seconds(configuration.statusUpdatePeriod.int64)
            do {
                try await report()
                wait = .milliseconds(100)
                // Until the runtime is there, look again soon: nothing tells when it comes.
                if !isReady { next = .milliseconds(250) }
            } catch {
                if !Task.isCancelled { log.warning("node status was not taken: \(error)") }
                next = wait
                wait = min(wait * 2, .seconds(7))
            }
            await wakeup.wait(until: .now + next)
        }
    }

    private func report() async throws {
        let health = await health()
        let images = NodeObject.images((try? await cri.images()) ?? [], atMost: configuration.maxReportedImages)
        let now = Clock.seconds()
        // One that does not answer keeps its name: health tells how it is.
        try? await identity.read(cri)
        let node = NodeObject(
            configuration: configuration, machine: machine, now: now, runtime: identity.description, features: identity.features,
            volumesInUse: volumesInUse(), devices: devices())
        let known = state.withLock { $0 }
        if !known.isRegistered {
            try await register(node, health, images)
            return
        }
        let status = node.status(health, images: images, previous: known.sent)
        guard !NodeObject.isSame(status, known.sent) || now - known.sentAt >= configuration.statusReportPeriod else { return }
        do {
            let answer = try await client.patch(
                .nodes, namespace: nil, name: configuration.nodeName, subresource: "status", .strategicMerge,
                ["status": NodeObject.patch(status)])
            sent(answer.value, health, now)
        } catch let error as APIError where error.reason == .notFound {
            // Someone deleted the node: it comes back, as long as it lives.
            state.withLock { $0.isRegistered = false }
            try await register(node, health, images)
        }
    }

    private func register(_ node: NodeObject, _ health: NodeObject.Health, _ images: [Value]) async throws {
        do {
            let answer = try await client.create(.nodes, node.registration(node.status(health, images: images, previous: .null)))
            log.info("registered node", metadata: ["node": "\(configuration.nodeName)"])
            sent(answer.value, health, node.now)
        } catch let error as APIError where error.reason == .alreadyExists {
            let existing = try await client.get(.nodes, name: configuration.nodeName).value
            let old = existing["metadata"]["labels"].strings
            let wanted = node.labels.filter { old[$0.key] != $0.value }
            if !wanted.isEmpty {
                _ = try await client.patch(
                    .nodes, namespace: nil, name: configuration.nodeName, subresource: nil, .merge, ["metadata": ["labels": Value(wanted)]])
            }
            let status = node.status(health, images: images, previous: existing["status"])
            let answer = try await client.patch(
                .nodes, namespace: nil, name: configuration.nodeName, subresource: "status", .strategicMerge,
                ["status": NodeObject.patch(status)])
            told.followed(existing["status"], status)
            sent(answer.value, health, node.now)
        }
        told.start()
    }

    private func sent(_ node: Value, _ health: NodeObject.Health, _ now: Whole) {
        let (before, last, isReady) = state.withLock { state in
            let (before, last) = (state.isReady, state.sent)
            state.isRegistered = true
            state.sent = node["status"]
            state.sentAt = now
            state.isReady = health.notReady.isEmpty
            state.uid = node["metadata"]["uid"].string ?? ""
            return (before, last, state.isReady)
        }
        told.pressed(last, node["status"])
        guard before != isReady else { return }
        told.became(ready: isReady)
        if isReady { ready.set() }
    }

    private var told: NodeEvents { NodeEvents(name: configuration.nodeName, events: events) }

    private func health() async -> NodeObject.Health {
        var health = NodeObject.Health()
        do {
            let status = try await cri.status()
            identity.note(status)
            health.notReady = status[path: "status", "conditions"].elements.compactMap(RuntimeIdentity.problem).joined(separator: ", ")
        } catch {
            health.notReady = "container runtime is down: \(error.message)"
        }
        if shutdown.isUnderWay { health.notReady = [health.notReady, NodeShutdown.problem].filter { !$0.isEmpty }.joined(separator: ", ") }
        health.pressures = pressure.conditions
        return health
    }

    // MARK: Lease

    private func renewLease() async {
        while !Task.isCancelled {
            do { try await renew() } catch { if !Task.isCancelled { log.warning("node lease was not renewed: \(error)") } }
            try? await Task.sleep(for: .seconds(configuration.leaseSeconds) / 4)
        }
    }

    private func renew() async throws {
        let name = configuration.nodeName
        let time = Value.string(Timestamp.nowMicro())
        let uid = state.withLock { $0.uid }
        let owner: Value = ["apiVersion": "v1", "kind": "Node", "name": .string(name), "uid": .string(uid)]
        let owners: Value = uid.isEmpty ? .null : [owner]
        func patch(_ change: Value) async throws -> Object {
            try await client.patch(.leases, namespace: "kube-node-lease", name: name, subresource: nil, .merge, change)
        }
        do {
            let lease = try await patch(["spec": ["holderIdentity": .string(name), "renewTime": time]])
            // It was made before the Node was known.
            if lease.value["metadata"]["ownerReferences"].isEmpty && !owners.isEmpty {
                _ = try await patch(["metadata": ["ownerReferences": owners]])
            }
        } catch let error as APIError where error.reason == .notFound {
            let lease: Value = [
                "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
                "metadata": ["name": .string(name), "namespace": "kube-node-lease", "ownerReferences": owners],
                "spec": ["holderIdentity": .string(name), "leaseDurationSeconds": .int(configuration.leaseSeconds), "renewTime": time],
            ]
            _ = try await client.create(.leases, namespace: "kube-node-lease", lease)
        }
    }
}
