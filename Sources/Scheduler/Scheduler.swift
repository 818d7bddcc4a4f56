public import APIModel
public import Client
internal import Exposition
public import Logging
internal import OrderedCollections
internal import PluginAPI
public import PluginHost
internal import Synchronization

/// Finds a Node for every Pod whose `spec.schedulerName` is that of one of the configuration's profiles; others are left alone.
///
/// One thread decides; it hears of changes from the shared cache and keeps all Nodes as columns, which the policies filter and score.
/// Binding, Events and conditions are written by tasks beside it.
public final class Scheduler: Sendable {
    private let client: any Client
    private let cache: Cache
    private let policies: any PolicySource
    private let recorder: EventRecorder
    private let configuration: SchedulerConfiguration
    /// What happens is written to this file, to be replayed; `nil`: nowhere.
    private let recordingPath: String?
    private let quarantine: Quarantine
    private let log: Logger
    private let decisions = DecisionLog()
    private let metrics = SchedulerMetrics()
    private let inbox: Inbox
    private let observations: Observations
    private let outbox = Outbox()
    /// For Pods whose volumes are to be bound first, or whose claims, or for which policies have something to do: that may take minutes, and nobody else waits for it.
    private let patientOutbox = Outbox()
    private let isRunning = Atomic<Bool>(false)

    /// How many binds and other writes are under way at once.
    private static let writers = 32
    /// How many Pods may wait for such things at once, each for so long.
    private static let patientWriters = 256

    /// - Parameters:
    ///   - policies: asked before every Pod, so that a swap takes effect with the next one; each Pod is decided by one set of policies from
    ///     beginning to end.
    ///   - configuration: which Pods, and what decides about them.
    ///   - recording: a file to which all that happens is written, in the place of what it says, for `Replay`; `nil` for none.
    ///   - quarantine: the Pods and Nodes that are as if they were not there.
    public init(
        client: any Client, cache: Cache, policies: any PolicySource, recorder: EventRecorder,
        configuration: SchedulerConfiguration = SchedulerConfiguration(), recording: String? = nil, quarantine: Quarantine = Quarantine(),
        log: Logger
    ) {
        self.client = client
        self.cache = cache
        self.policies = policies
        self.recorder = recorder
        self.configuration = configuration
        recordingPath = recording
        self.quarantine = quarantine
        self.log = log
        inbox = Inbox()
        observations = Observations(cache, quarantine, inbox)
    }

    /// Whether `run` has filled its columns and decides.
    public var healthy: Bool { isRunning.load(ordering: .relaxed) }

    /// Schedules until the task is cancelled. Call it once.
    public func run() async throws {
        for resource in Self.watched { try await cache.watch(resource) }
        let observation = cache.observe(Self.watched) { [self] in hear($0, before: $1, after: $2) }
        quarantine.observe(.scheduler) { [weak self] key in
            guard let self, let object = cache.get(key.resource, namespace: key.namespace, name: key.name) else { return }
            if Self.watched.contains(key.resource) { hear(key.resource, before: nil, after: object) }
            observations.hear(key.resource, object)
        }
        defer {
            observation.cancel()
            isRunning.store(false, ordering: .relaxed)
        }
        let changes = policies.changes(of: .schedulerPolicy)
        // What it yields at once is no change: told behind the first decision it would be decided again about every Pod that was refused.
        for await _ in changes { break }
        isRunning.store(true, ordering: .relaxed)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [outbox] in await outbox.run(workers: Self.writers) }
            group.addTask { [patientOutbox] in await patientOutbox.run(workers: Self.patientWriters) }
            group.addTask { [observations, policies] in await observations.run(policies, changes) }
            await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    startThread(name: "scheduler") { [self] in
                        decide()
                        continuation.resume()
                    }
                }
            } onCancel: {
                inbox.close()
            }
            outbox.close()
            patientOutbox.close()
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    /// Namespaces first: a Pod is judged by the labels of its own.
    private static let watched: [GroupVersionResource] =
        [.namespaces, DisruptionBudgets.resource] + VolumeObjects.resources + DeviceObjects.resources + AttachedVolumes.resources
        + DefaultSpread.resources + [
            .nodes, .pods,
        ]

    /// What is passed over is as if it had gone.
    private func hear(_ resource: GroupVersionResource, before: Object?, after: Object?) {
        let after = after.flatMap { quarantine.holds(.scheduler, resource, $0) ? nil : $0 }
        inbox.put(Message(resource, before: before, after: after))
    }

    /// The scheduling thread.
    private func decide() {
        let clock = ContinuousClock()
        let start = clock.now
        func now() -> Int64 {
            let (seconds, attoseconds) = start.duration(to: clock.now).components
            return seconds * 1000 + attoseconds / 1_000_000_000_000_000
        }
        let loop = SchedulingLoop(seed: UInt64.random(in: .min ... .max), configuration, decisions, metrics)
        let recording = recordingPath.map { Recording($0, log: log) }
        defer { recording?.close() }
        while let messages = inbox.take(waiting: loop.patience(now: now())) {
            for message in messages {
                if case .consider(let pod, let reply) = message { reply.answer(loop.consider(pod, policies)?.value) }
                if case .listWaiting(let reply) = message { reply.answer(loop.listWaiting(now: now())) }
                recording?.note(message, now: now())
                if let effect = message.inHand({ loop.receive(message, now: now()) }) { perform(effect) }
            }
            // One Pod, then a look at what changed: a cycle decides on the newest state.
            var next = loop.cycle(policies, now: now())
            if let newest = loop.newest { recording?.note(newest, now: now()) }
            while let effect = next {
                if case .rejected(let pod, _) = effect { recording?.noteFailure(PodKey(pod), uid: pod.uid, now: now()) }
                perform(effect)
                next = loop.more()
            }
            metrics.set(loop.pending)
        }
    }

    private func perform(_ effect: SchedulingLoop.Effect) {
        if case .bind(let pod, let node, let needs) = effect, !needs.isEmpty {
            return patientOutbox.put { [self] in await bind(pod, to: node, needs) }
        }
        outbox.put { [self] in
            switch effect {
            case .bind(let pod, let node, let needs): await bind(pod, to: node, needs)
            case .unschedulable(let pod, let message, let nomination):
                tell(pod, .warning, "FailedScheduling", message)
                await setCondition(pod, reason: "Unschedulable", message: message, nomination)
                if case .node(let node, let victims, let displaced) = nomination {
                    for other in displaced { await clearNomination(other) }
                    await preempt(victims, for: pod, on: node)
                }
            case .rejected(let pod, let message):
                tell(pod, .warning, "FailedScheduling", message)
                await setCondition(pod, reason: "Unschedulable", message: message, .none)
            case .waiting(let pod, let node): await expect(pod, on: node)
            case .failed(let pod, let message):
                tell(pod, .warning, "FailedScheduling", message)
                await setCondition(pod, reason: "SchedulerError", message: message, .none)
            case .gated(let pod):
                await setCondition(pod, reason: "SchedulingGated", message: "Scheduling is blocked due to non-empty scheduling gates")
            case .deallocate(let claim): await deallocate(claim)
            }
        }
    }
}

// What people ask.
extension Scheduler {
    /// Figures in Prometheus' text, under upstream's names.
    public var figures: String {
        var text = MetricsText()
        metrics.write(to: &text)
        ProcessMetrics.write(to: &text)
        return text.text
    }

    /// Why a Pod was placed as it was, or not at all, from the decision that was made; `nil` when that is not among the last ones.
    public func explanation(namespace: String, name: String) -> Value? { decisions[PodKey(namespace: namespace, name: name)]?.value }

    /// What would be decided now about a Pod that nobody has made; `nil` when it is another scheduler's, or this one does not run.
    public func consider(_ pod: Object) async -> Value? {
        guard healthy else { return nil }
        return await withCheckedContinuation { inbox.put(.consider(pod, Reply($0))) }
    }
}

extension Scheduler {
    /// The Pods that have a Node and wait until a policy lets them be bound; `nil` while this one does not run.
    public func waiting() async -> Value? {
        guard healthy else { return nil }
        return await withCheckedContinuation { inbox.put(.listWaiting(Reply($0))) }
    }
}

// What the API hears.
extension Scheduler {
    /// Of the Event that a Pod was placed: what spoke for the Node.
    private static let decisionAnnotation = "plugins.apus.dev/decision"

    /// An Event of the scheduler that the Pod names.
    private func tell(_ pod: Object, _ kind: EventRecorder.Kind, _ reason: String, _ message: String, detail: String? = nil) {
        recorder.event(
            about: pod.value, kind, reason: reason, message: Self.note(message),
            component: pod.schedulerName.isEmpty ? nil : pod.schedulerName,
            annotations: detail.map { [Self.decisionAnnotation: $0] } ?? [:])
    }

    /// As much of a message as an Event may have.
    private static func note(_ message: String) -> String {
        let (most, end) = (1024, " ...")
        guard message.utf8.count > most else { return message }
        var cut = message
        while cut.utf8.count > most - end.utf8.count { cut.removeLast() }
        return cut + end
    }

    /// The Pod has a Node and is not bound to it yet, so whoever makes Nodes need not make one for it.
    private func expect(_ pod: Object, on node: String) async {
        guard pod.value["status"]["nominatedNodeName"].string != node else { return }
        let patch: Value = ["metadata": ["uid": .string(pod.uid)], "status": ["nominatedNodeName": .string(node)]]
        do {
            _ = try await client.patch(.pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge, patch)
        } catch let error as APIError where error.reason == .conflict || error.reason == .notFound {
            return
        } catch {
            log.warning("cannot nominate a pod", metadata: ["pod": "\(PodKey(pod))", "error": "\(error)"])
        }
    }

    private func bind(_ pod: Object, to node: String, _ needs: BindNeeds) async {
        let binding: Value = [
            "apiVersion": "v1", "kind": "Binding",
            "metadata": ["name": .string(pod.name), "namespace": .string(pod.namespace), "uid": .string(pod.uid)],
            "target": ["apiVersion": "v1", "kind": "Node", "name": .string(node)],
        ]
        metrics.binding(1)
        defer { metrics.binding(-1) }
        let claims = ClaimBinder(client: client, cache: cache, pod: pod)
        var bound = needs.claims
        var isPrepared = false
        do {
            if !needs.isEmpty { await expect(pod, on: node) }
            if !needs.volumes.isEmpty {
                let seconds = configuration.profile(for: pod.schedulerName)?.arguments.bindTimeoutSeconds ?? 0
                try await VolumeBinder(client: client, cache: cache).bind(needs.volumes, on: node, within: .seconds(seconds))
            }
            bound = try await claims.bind(needs.claims) { inbox.put(.claimWritten($0)) }
            if bound.contains(where: \.waits) {
                tell(pod, .normal, "BindingConditionsPending", "waiting for binding conditions for device on node \(node)")
                let limit = configuration.profile(for: pod.schedulerName)?.arguments.bindingTimeout ?? .zero
                try await claims.wait(bound, within: limit)
            }
            let profile = configuration.profileName(of: pod)
            if let prebind = needs.prebind { try await timed(.preBind, profile) { try await prebind.run(on: node) } }
            isPrepared = true
            try await timed(.bind, profile) {
                _ = try await client.create(.pods, namespace: pod.namespace, name: pod.name, subresource: "binding", binding)
            }
            if let attempt = needs.attempt { metrics.bound(attempt, profile: profile, at: .now) }
            tell(
                pod, .normal, "Scheduled", "Successfully assigned \(pod.namespace)/\(pod.name) to \(node)",
                detail: decisions[PodKey(pod)].flatMap { $0.uid == pod.uid ? $0.summary : nil })
        } catch {
            let isRefused = (error as? Prebind.Failure)?.isRefused == true
            inbox.put(.bindFailed(PodKey(pod), uid: pod.uid, isRefused: isRefused))
            for error in await claims.release(bound.map(\.claim)) {
                log.warning("cannot release a claim", metadata: ["pod": "\(PodKey(pod))", "error": "\(error)"])
            }
            // A Pod that is gone needs no Node and no Event.
            if error is CancellationError || (error as? APIError)?.reason == .notFound { return }
            let message = isPrepared ? "running Bind plugin \"DefaultBinder\": \(error)" : "\(error)"
            log.warning("cannot bind a pod", metadata: ["pod": "\(PodKey(pod))", "node": "\(node)", "error": "\(error)"])
            tell(pod, .warning, "FailedScheduling", message)
            await setCondition(pod, reason: isRefused ? "Unschedulable" : "SchedulerError", message: message, .none)
        }
    }

    /// Does what belongs to one point, and notes how long that took.
    private func timed(_ point: ExtensionPoint, _ profile: String, _ body: () async throws -> Void) async throws {
        let start = ContinuousClock.now
        func note(_ status: String) { metrics.passed(point, status, profile: profile, after: start.duration(to: .now)) }
        do { try await body() } catch {
            note((error as? Prebind.Failure)?.isRefused == true ? "Unschedulable" : "Error")
            throw error
        }
        note("Success")
    }

    private func deallocate(_ claim: Object) async {
        do {
            if claim.isOfExtendedResources { return try await ClaimBinder.delete(claim, client) }
            inbox.put(.claimWritten(try await ClaimBinder.deallocate(claim, client)))
        } catch let error as APIError where error.reason == .conflict || error.reason == .notFound {
            // Somebody has it again, or it is gone.
            return
        } catch {
            log.warning("cannot take a claim's devices back", metadata: ["claim": "\(PodKey(claim))", "error": "\(error)"])
        }
    }

    /// Sets PodScheduled to False, and where the Pod is to run, unless the Pod says so already.
    private func setCondition(_ pod: Object, reason: String, message: String, _ nomination: SchedulingLoop.Nomination = .kept) async {
        let current = pod.value["status"]["conditions"].elements.first { $0["type"].string == "PodScheduled" } ?? .null
        let isFalse = current["status"].string == "False"
        let nominated = pod.value["status"]["nominatedNodeName"].string ?? ""
        let wanted =
            switch nomination {
            case .kept: nominated
            case .none: ""
            case .node(let name, _, _): name
            }
        let generation = pod.metadata["generation"]
        if isFalse, current["reason"].string == reason, current["message"].string == message, current["observedGeneration"] == generation,
            nominated == wanted
        {
            return
        }
        let time = Timestamp.now()
        var status: Value.Fields = [
            "conditions": [
                [
                    "type": "PodScheduled", "status": "False", "reason": .string(reason), "message": .string(message),
                    "observedGeneration": generation,
                    "lastTransitionTime": isFalse ? current["lastTransitionTime"] : .string(time),
                ]
            ]
        ]
        // An explicit null takes the field away.
        if nominated != wanted { status["nominatedNodeName"] = wanted.isEmpty ? Value.null : .string(wanted) }
        // The version guards against a Pod that was bound meanwhile: then this is not true any more.
        let patch: Value = [
            "metadata": ["uid": .string(pod.uid), "resourceVersion": .string(pod.resourceVersion)], "status": .object(status),
        ]
        do {
            _ = try await client.patch(.pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge, patch)
        } catch let error as APIError where error.reason == .conflict {
            // Somebody wrote to it, this scheduler itself perhaps; once it has a Node, or is another, there is nothing to say.
            guard let newer = try? await client.get(.pods, namespace: pod.namespace, name: pod.name), newer.uid == pod.uid, newer.needsNode,
                newer.resourceVersion != pod.resourceVersion
            else { return }
            await setCondition(newer, reason: reason, message: message, nomination)
        } catch let error as APIError where error.reason == .notFound {
            return
        } catch {
            log.warning("cannot set a pod's condition", metadata: ["pod": "\(PodKey(pod))", "error": "\(error)"])
        }
    }
}

// Making room.
extension Scheduler {
    /// Deletes the victims, each with a condition and an Event that say for whom. When one cannot be asked to go the Pod looks again.
    private func preempt(_ victims: [Object], for pod: Object, on node: String) async {
        let name = pod.value["spec"]["schedulerName"].string ?? "default-scheduler"
        for victim in victims {
            do {
                try await disrupt(victim, message: "\(name): preempting to accommodate a higher priority pod")
                let options: Value = ["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": ["uid": .string(victim.uid)]]
                _ = try await client.delete(.pods, namespace: victim.namespace, name: victim.name, options: options)
                recorder.event(
                    about: victim.value, .normal, reason: "Preempted", message: "Preempted by pod \(pod.uid) on node \(node)",
                    component: name)
            } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
                // It went by itself; of its name there may be another, which stays.
                continue
            } catch {
                if error is CancellationError { return }
                log.warning(
                    "cannot preempt a pod", metadata: ["pod": "\(PodKey(victim))", "for": "\(PodKey(pod))", "error": "\(error)"])
                inbox.put(.preemptionFailed(PodKey(pod), uid: pod.uid))
                return
            }
        }
    }

    private func disrupt(_ victim: Object, message: String) async throws {
        let patch: Value = [
            "metadata": ["uid": .string(victim.uid)],
            "status": [
                "conditions": [
                    [
                        "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler", "message": .string(message),
                        "observedGeneration": victim.metadata["generation"],
                        "lastTransitionTime": .string(Timestamp.now()),
                    ]
                ]
            ],
        ]
        _ = try await client.patch(.pods, namespace: victim.namespace, name: victim.name, subresource: "status", .strategicMerge, patch)
    }

    private func clearNomination(_ pod: Object) async {
        let status: Value.Fields = ["nominatedNodeName": .null]
        let patch: Value = ["metadata": ["uid": .string(pod.uid)], "status": .object(status)]
        do {
            _ = try await client.patch(.pods, namespace: pod.namespace, name: pod.name, subresource: "status", .strategicMerge, patch)
        } catch let error as APIError where error.reason == .conflict || error.reason == .notFound {
            return
        } catch {
            log.warning("cannot clear a pod's nominated node", metadata: ["pod": "\(PodKey(pod))", "error": "\(error)"])
        }
    }
}
