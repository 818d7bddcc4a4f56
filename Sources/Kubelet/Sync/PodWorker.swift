import APIModel
import Client
import Logging
import Synchronization

/// Brings one pod from what it is to what it should be, one step after another, as long as it is on this node.
///
/// ```
/// syncing ──ended, deleted, gone, too long──▶ terminating ──nothing runs──▶ terminated ──gone from the API──▶ gone
/// ```
/// Word of changes (`update`, `removed`, `changed`, probe results) is noted and wakes the one task in `run`, which does the work. What is
/// to be done is worked out by `PodActions`, what is to be told by `PodStatus`; both are values and know nothing of time and tasks.
actor PodWorker {
    enum Stage: Sendable { case syncing, terminating, terminated, gone }

    nonisolated let uid: String
    nonisolated let context: Context
    nonisolated let wakeup = Wakeup()
    /// The pod's name while a step is under way.
    nonisolated let busy = Mutex<String?>(nil)

    var pod: Pod
    /// Gone from the API: nobody hears of the pod any more.
    var isRemoved = false
    var stage = Stage.syncing
    var runtime = PodRuntime()
    /// What is to be asked of the runtime before the next step. A pod that the runtime never had needs no asking.
    var isRuntimeStale: Bool
    /// Why containers that should run do not, by name.
    var waiting: [String: StartFailure] = [:]
    var backoff: KeyedBackoff
    var probes = ProbeResults()
    var probeTasks: [ProbeKey: Task<Void, Never>] = [:]
    /// Hooks of containers that are being stopped, by container id.
    var preStops: [String: Task<Void, Never>] = [:]
    /// Whether the hooks that an earlier kubelet did not see end were looked for.
    var hasFinishedPostStarts = false
    var status: Value
    /// What others know of it.
    private var told: Value
    /// Whether the runtime had something of the pod when this worker began.
    let isTakenOver: Bool
    /// Whether an earlier kubelet took the pod.
    let wasAdmitted: Bool
    /// Whether the node has taken the pod.
    var isAdmitted: Bool
    /// Nothing more is to be said of the pod: its status stays as it is.
    var isSettled = false
    var record = ResourceRecord()
    var isRecordLoaded = false
    /// The file does not have what is in `record`: it could not be written.
    var isRecordUnsaved = false
    /// The values of the pod's group may not be those its containers have been given.
    var isGroupStale: Bool
    var pendingResize: Obstacle?
    var resizeInProgress: Obstacle?
    /// Ports of the node that lead here.
    var exposed: [HostPort] = []
    /// Says why the kubelet itself ended the pod.
    var failure: PodFailure?
    /// Since when the pod's containers are being stopped, and how long they were given.
    var stopping: (grace: Whole, since: Whole)?
    /// It was told that the pod takes longer to leave than it may.
    var hasExceededGrace = false
    /// Nothing of the pod's containers is to be kept once they are dead.
    var discardsContainers = false
    /// Why the pod has to leave the node.
    var eviction: Eviction?
    /// When to look again although nobody called, in nanoseconds since 1970.
    var retryAt: Whole?
    var volumes: [String: Volumes.Mounted]?
    var volumesCheckedAt: Whole = 0
    var volumeFailures = 0
    var sandboxFailures = 0
    /// Steps that failed in a row.
    private var failures = 0
    /// When the pod was first seen, which its sandbox remembers.
    let seen: String
    private nonisolated let step = Mutex<Task<Void, Never>?>(nil)

    struct ProbeKey: Hashable {
        var container: String
        var kind: ProbeKind
    }

    /// How often volumes that show API objects are brought up to date. Upstream's sync period.
    static let resync: Whole = 60_000_000_000

    init(_ pod: Pod, context: Context, isKnownToRuntime: Bool) {
        uid = pod.uid
        let longest = context.configuration.maxRestartPeriod
        backoff = KeyedBackoff(initial: min(10, longest) * 1_000_000_000, maximum: longest * 1_000_000_000)
        self.pod = pod
        self.context = context
        isRuntimeStale = isKnownToRuntime
        isTakenOver = isKnownToRuntime
        wasAdmitted = pod.wasAdmitted || isKnownToRuntime
        isAdmitted = wasAdmitted
        isGroupStale = isKnownToRuntime
        status = pod.status
        told = pod.status
        probes = ProbeResults(told: pod.status)
        seen = Timestamp.now()
        wakeup.set()
    }

    /// Works until the pod is gone or the task is cancelled. A cancelled worker leaves its containers running: another kubelet may take
    /// them over.
    func run() async {
        while !Task.isCancelled && stage != .gone {
            await wakeup.wait(until: deadline)
            if Task.isCancelled { break }
            retryAt = nil
            let step = Task { await self.takeStep() }
            self.step.withLock { $0 = step }
            busy.withLock { $0 = pod.description }
            await withTaskCancellationHandler {
                await step.value
            } onCancel: {
                step.cancel()
            }
            self.step.withLock { $0 = nil }
            busy.withLock { $0 = nil }
        }
        await stopProbes { _ in true }
        for hook in preStops.values { hook.cancel() }
    }

    private var deadline: ContinuousClock.Instant? {
        var due = retryAt
        if stage == .syncing {
            let times = waiting.values.compactMap(\.retryAt) + [volumesCheckedAt + Self.resync] + [activeDeadline].compactMap { $0 }
            due = (times + [due].compactMap { $0 }).min()
        }
        return due.map { .now + .nanoseconds(max($0 - Clock.nanoseconds(), 0)) }
    }

    // MARK: Word from outside

    /// The pod changed in the API.
    func update(_ pod: Pod) {
        let wasEnding = isEnding
        let oldGrace = self.pod.gracePeriod
        // What files say of the pod itself.
        if pod.metadata["labels"] != self.pod.metadata["labels"] || pod.metadata["annotations"] != self.pod.metadata["annotations"] {
            volumesCheckedAt = 0
        }
        self.pod = pod
        context.statuses.observe(pod)
        // What is under way for a pod that is to end, a pull say, is not waited for. Less patience than before: begin again with the
        // shorter time.
        let isHasty = stage == .syncing ? isEnding && !wasEnding : stage == .terminating && pod.gracePeriod < oldGrace
        isHasty ? breakOff() : wakeup.set()
    }

    /// The pod is gone from the API, at once, without waiting for its containers.
    func removed() {
        isRemoved = true
        // The scheduler may give it to another from now on.
        context.release(uid)
        stage == .syncing || stage == .terminating ? breakOff() : wakeup.set()
    }

    /// Something of the pod changed in the runtime.
    func changed() {
        isRuntimeStale = true
        wakeup.set()
    }

    /// Something that the pod's volumes show changed in the API.
    func refreshVolumes() {
        volumesCheckedAt = 0
        wakeup.set()
    }

    func note(_ kind: ProbeKind, of container: String, success: Bool) {
        probes.results[container, default: [:]][kind] = success
        wakeup.set()
    }

    /// What is under way, a pull say, is not waited for any more: something else is to be done first.
    nonisolated func breakOff() {
        step.withLock { $0?.cancel() }
        wakeup.set()
    }

    nonisolated var claimant: Allocations.Claimant { Allocations.Claimant(wake: wakeup.set) { [weak self] in self?.breakOff() } }

    /// Nothing of it runs, and nothing is to be taken away any more.
    var isOver: Bool { stage == .terminated || stage == .gone }
    var isEnding: Bool { isRemoved || pod.isBeingDeleted }

    /// How long containers get to stop. A pod leaves the API before they have only by force.
    var gracePeriod: Whole { isRemoved ? 0 : min(pod.gracePeriod, eviction?.grace ?? pod.gracePeriod) }

    // MARK: Steps

    private func takeStep() async {
        // Left alone by what happened since the pod was last heard of: a plugin's own process ended with it in hand, more than once.
        if context.quarantine.holds(.kubelet, .pods, pod.object) { return }
        do {
            try await InHand.with(.kubelet, .pods, namespace: pod.namespace, name: pod.name, uid: pod.uid) {
                if stage == .syncing { try await sync() }
                if stage == .terminating { try await terminate() }
                if stage == .terminated { try await finish() }
            }
        } catch  where Task.isCancelled {
            // Something newer is to be done; it woke the worker, or will end it. What was under way may be carried out or not.
            isRuntimeStale = true
        } catch {
            context.log.warning("pod \(pod.description): \(error)")
            isRuntimeStale = true
            failures += 1
            // A connection to the runtime that broke is soon there again.
            retry(in: min(0.1 * Double(1 << min(failures, 7)), 10))
            return
        }
        failures = 0
    }

    /// Asks for another step in so many seconds, unless an earlier one is due anyway.
    func retry(in seconds: Double) {
        let time = Clock.nanoseconds() + Whole(seconds * 1_000_000_000)
        retryAt = min(retryAt ?? time, time)
    }

    /// Works out the status and has it sent if it differs from the last.
    func publish(isDone: Bool = false, final: Bool = false) {
        if isSettled {
            if final && !isRemoved { context.statuses.send(pod, status, final: true) }
            return
        }
        let status = PodStatus(
            pod: allocated, runtime: runtime, previous: status, waiting: waiting, probes: probes, isDone: isDone,
            runtimeName: context.runtimeName(), actualResources: actualResources, resizeConditions: resizeConditions,
            hostIPs: context.configuration.nodeAddresses, now: Clock.seconds(), devices: devicesHealth,
            // A pod has not failed before the last of its containers is dead: others may have what it had from then on.
            failure: runtime.hasRunningContainers ? nil : failure
        ).compute()
        // Before the scheduler hears of it.
        if ["Succeeded", "Failed"].contains(status["phase"].string) { context.release(uid) }
        let told = isHeldBack(status) ? Self.stillGoing(status, pod) : status
        let isNew = told != self.told
        self.status = status
        self.told = told
        if (isNew || final) && !isRemoved { context.statuses.send(pod, told, final: final) }
    }

    /// Whether the pod has ended, but what it had is not yet another's to have.
    private func isHeldBack(_ status: Value) -> Bool {
        ["Succeeded", "Failed"].contains(status["phase"].string) && context.claims.holds(uid)
    }

    /// The status of a pod that has ended, for those who are not to know. Upstream: `mergePodStatus`.
    private static func stillGoing(_ status: Value, _ pod: Pod) -> Value {
        var status = status
        for field in ["phase", "reason", "message"] { status[field] = pod.status[field] }
        return status
    }

    /// How the devices of containers are, those of plugins and those of claims, by container.
    private var devicesHealth: [String: Value] {
        context.devices.health(of: uid).merging(context.claims.health(of: pod)) { .array($0.elements + $1.elements) }
    }

    func readRuntime() async throws {
        // Cleared first: a change told while reading makes the answer stale again.
        isRuntimeStale = false
        do {
            runtime = try await context.reader.read(uid, previous: runtime)
        } catch {
            isRuntimeStale = true
            try Task.checkCancellation()
            context.events.event(about: pod, .warning, "FailedSync", "error determining status: \(error)")
            throw error
        }
    }

    var activeDeadline: Whole? {
        guard let seconds = pod.spec["activeDeadlineSeconds"].seconds,
            let started = (status["startTime"].string ?? pod.status["startTime"].string).flatMap({ Timestamp.parse($0) })
        else {
            return nil
        }
        return (started.seconds + seconds) * 1_000_000_000
    }

    /// Does what blocks, where that holds up nobody.
    func onDisk<R: Sendable>(_ body: @escaping @Sendable (Context, Pod) throws -> R) async throws -> R {
        let (context, pod) = (context, pod)
        return try await context.disk.run { try body(context, pod) }
    }
}
