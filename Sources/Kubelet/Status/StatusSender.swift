import APIModel
import Client
import Logging
import Synchronization

/// Brings pod statuses to the API: the newest of each pod, soon, a few at a time, again when it failed. Nobody waits for it. Upstream:
/// `status/status_manager.go`.
final class StatusSender: Sendable {
    private struct Entry {
        var namespace: String
        var name: String
        /// Of the object that the status is written to; `nil` while the API has none.
        var objectUID: String?
        var wanted: Value
        /// What the API has, as far as is known, and at which version.
        var known: Value
        var version: UInt64
        /// Delete the pod for good once the status is there.
        var isFinal = false
    }

    private let client: any Client
    private let log: Logger
    /// By the pods' uids; of static pods their own.
    private struct State {
        var entries: [String: Entry] = [:]
        /// What the API has of static pods.
        var mirrors: [String: Pod] = [:]
    }

    private let state = Mutex(State())
    private let queue = WorkQueue<String>()

    init(client: any Client, log: Logger) {
        self.client = client
        self.log = log
    }

    /// Sends `status` unless the API has it. With `final`, the containers have stopped and the pod, which is being deleted, goes for good.
    /// Returns at once.
    func send(_ pod: Pod, _ status: Value, final: Bool = false) {
        state.withLock { state in
            let object = pod.isStatic ? state.mirrors[pod.uid] : pod
            var entry =
                state.entries[pod.uid]
                ?? Entry(
                    namespace: pod.namespace, name: pod.name, objectUID: object?.uid, wanted: status, known: object?.status ?? .null,
                    version: UInt64(object?.object.resourceVersion ?? "") ?? 0)
            entry.wanted = status
            entry.isFinal = entry.isFinal || final
            state.entries[pod.uid] = entry
        }
        queue.add(pod.uid)
    }

    /// The status last sent or about to be.
    func status(_ uid: String) -> Value? { state.withLock { $0.entries[uid]?.wanted } }

    /// The API shows a static pod by this object: its status is what is told of the pod. Returns at once.
    func mirror(of uid: String, is mirror: Pod) {
        let isNew = state.withLock { state in
            state.mirrors[uid] = mirror
            guard var entry = state.entries[uid], entry.objectUID != mirror.uid else { return false }
            (entry.objectUID, entry.known) = (mirror.uid, mirror.status)
            entry.version = UInt64(mirror.object.resourceVersion) ?? 0
            state.entries[uid] = entry
            return true
        }
        if isNew { queue.add(uid) } else { observe(mirror, of: uid) }
    }

    /// Takes in what the API has now. A status that someone else changed is put right.
    func observe(_ pod: Pod) { observe(pod, of: pod.uid) }

    private func observe(_ pod: Pod, of uid: String) {
        let version = UInt64(pod.object.resourceVersion) ?? 0
        let differs = state.withLock { state in
            guard var entry = state.entries[uid], version > entry.version else { return false }
            entry.known = pod.status
            entry.version = version
            state.entries[uid] = entry
            return !StatusPatch.make(from: entry.known, to: entry.wanted, uid: pod.uid).isNull
        }
        // Slowly, so that two who disagree do not chase each other.
        if differs { queue.add(uid, after: .seconds(2)) }
    }

    func forget(_ uid: String) {
        state.withLock { state in (state.entries[uid], state.mirrors[uid]) = (nil, nil) }
        queue.forget(uid)
    }

    /// Sends until cancelled.
    func run() async {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask {
                        while let uid = await self.queue.next() {
                            await self.process(uid)
                            self.queue.done(uid)
                        }
                    }
                }
            }
        } onCancel: {
            queue.shutDown()
        }
    }

    private func process(_ uid: String) async {
        guard let entry = state.withLock({ $0.entries[uid] }) else { return }
        await InHand.with(.kubelet, .pods, namespace: entry.namespace, name: entry.name, uid: uid) { await send(entry, uid) }
    }

    private func send(_ entry: Entry, _ uid: String) async {
        // Of a static pod that is not shown yet there is nothing to tell.
        guard let objectUID = entry.objectUID else { return queue.forget(uid) }
        do {
            let patch = StatusPatch.make(from: entry.known, to: entry.wanted, uid: objectUID)
            if !patch.isNull {
                let answer = try await client.patch(
                    .pods, namespace: entry.namespace, name: entry.name, subresource: "status", .strategicMerge, patch)
                learn(uid, answer)
            }
            if entry.isFinal {
                try await client.delete(.pods, namespace: entry.namespace, name: entry.name, options: Self.deletion(uid))
            }
            queue.forget(uid)
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
            // Gone, or another pod has the name now: the watch tells the worker.
            queue.forget(uid)
        } catch is CancellationError {
        } catch {
            log.warning("status of pod \(entry.namespace)/\(entry.name) was not taken: \(error)")
            queue.addRateLimited(uid)
        }
    }

    private func learn(_ uid: String, _ answer: Object) {
        let version = UInt64(answer.resourceVersion) ?? 0
        state.withLock { state in
            guard var entry = state.entries[uid], version >= entry.version else { return }
            entry.known = answer.value["status"]
            entry.version = version
            state.entries[uid] = entry
        }
    }

    private static func deletion(_ uid: String) -> Value {
        ["kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0, "preconditions": ["uid": .string(uid)]]
    }
}
