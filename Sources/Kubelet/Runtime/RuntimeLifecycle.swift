import APIModel
import Logging
import Synchronization

/// Finds out which pods changed in the runtime: from what it tells, and by looking at everything now and then. Upstream: `kubelet/pleg`.
final class RuntimeLifecycle: Sendable {
    private let cri: CRI
    private let log: Logger
    private let state = Mutex(State())
    private let wakeup = Wakeup()

    private struct State {
        /// What was seen last: pod and state by id of container or sandbox.
        var seen: [String: Seen] = [:]
        /// Pods that were told of since.
        var told: Set<String> = []
        var isEverythingToBeSeen = true
        /// Whether the runtime tells of every change.
        var isReliable = false
        var isListed = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private struct Seen: Equatable {
        var pod: String
        var state: Whole
    }

    init(cri: CRI, log: Logger) {
        self.cri = cri
        self.log = log
    }

    /// The runtime says that something changed; empty ids are unknown. Safe from any thread.
    func note(sandbox: String, container: String) {
        state.withLock { state in
            if let pod = state.seen[container]?.pod ?? state.seen[sandbox]?.pod {
                state.told.insert(pod)
            } else {
                state.isEverythingToBeSeen = true
            }
        }
        wakeup.set()
    }

    /// There is another runtime, or the same anew: everything is looked at, and then seldom if it tells of every change. Safe from any
    /// thread.
    func subscribed(isReliable: Bool) {
        state.withLock { state in
            state.isReliable = isReliable
            state.isEverythingToBeSeen = true
        }
        wakeup.set()
    }

    /// Whether the runtime has, or lately had, anything of the pod.
    func knows(_ uid: String) -> Bool { state.withLock { $0.seen.values.contains { $0.pod == uid } } }

    /// Returns once it was seen what the runtime had when the kubelet started.
    func waitUntilListed() async throws {
        await withCheckedContinuation { continuation in
            let isListed = state.withLock { state in
                if !state.isListed { state.waiters.append(continuation) }
                return state.isListed
            }
            if isListed { continuation.resume() }
        }
        try Task.checkCancellation()
    }

    /// Calls `changed` with the uid of each pod that changed, until cancelled.
    func run(_ changed: @Sendable (String) async -> Void) async {
        var next = ContinuousClock.now
        while !Task.isCancelled {
            let isDue = ContinuousClock.now >= next
            let (told, everything, interval) = state.withLock { state in
                defer {
                    state.told = []
                    state.isEverythingToBeSeen = false
                }
                return (state.told, state.isEverythingToBeSeen || isDue, state.isReliable ? Duration.seconds(30) : .seconds(1))
            }
            var pods = told
            if everything {
                do {
                    pods.formUnion(try await look())
                    next = .now + interval
                } catch {
                    log.warning("looking at the container runtime failed: \(error)")
                    state.withLock { $0.isEverythingToBeSeen = true }
                    next = .now + .seconds(1)
                    try? await Task.sleep(for: .milliseconds(200))
                }
            }
            for pod in pods { await changed(pod) }
            await wakeup.wait(until: next)
        }
        // Whoever still waits for a first look is cancelled, too.
        for waiter in state.withLock({ state in
            defer { state.waiters = [] }
            return state.waiters
        }) { waiter.resume() }
    }

    /// Compares everything with what was seen last and returns the pods that differ.
    private func look() async throws -> Set<String> {
        async let sandboxes = cri.sandboxes()
        async let containers = cri.containers()
        var seen: [String: Seen] = [:]
        for item in try await sandboxes + containers {
            guard let id = item["id"].string, let pod = item["labels"][Label.podUID].string else { continue }
            seen[id] = Seen(pod: pod, state: item["state"].int ?? 0)
        }
        let (changed, waiters) = state.withLock { state in
            var changed: Set<String> = []
            for (id, now) in seen where state.seen[id] != now { changed.insert(now.pod) }
            for (id, before) in state.seen where seen[id] == nil { changed.insert(before.pod) }
            state.seen = seen
            state.isListed = true
            defer { state.waiters = [] }
            return (changed, state.waiters)
        }
        for waiter in waiters { waiter.resume() }
        return changed
    }
}
