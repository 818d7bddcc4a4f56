import APIModel
import Client
import Logging
import Synchronization

/// Watches the config maps and secrets that pods show in volumes, each alone and once however many pods show it, and tells of those pods
/// that showed another version. Upstream: `util/manager/watch_based_manager.go`. Safe from any task.
final class ReferenceWatches: Sendable {
    struct Reference: Hashable, Sendable {
        var resource: GroupVersionResource
        var namespace: String
        var name: String
    }

    private struct Entry {
        /// The version that each pod read last, empty for none.
        var pods: [String: String] = [:]
        var isWatched = false
        /// Set when no pod shows the object any more.
        let end = Wakeup()
    }

    private let client: any Client
    private let log: Logger
    private let state = Mutex(State())

    private struct State {
        var entries: [Reference: Entry] = [:]
        /// What each pod shows.
        var shown: [String: Set<Reference>] = [:]
    }

    private let starts: AsyncStream<Reference>
    private let start: AsyncStream<Reference>.Continuation

    init(client: any Client, log: Logger) {
        self.client = client
        self.log = log
        (starts, start) = AsyncStream.makeStream()
    }

    /// Names all that a pod shows from now on.
    func set(_ references: Set<Reference>, for uid: String) {
        let (new, ended) = state.withLock { state -> ([Reference], [Wakeup]) in
            let before = state.shown[uid] ?? []
            guard before != references else { return ([], []) }
            state.shown[uid] = references.isEmpty ? nil : references
            var ended: [Wakeup] = []
            for reference in before.subtracting(references) {
                state.entries[reference]?.pods[uid] = nil
                guard let entry = state.entries[reference], entry.pods.isEmpty else { continue }
                state.entries[reference] = nil
                ended.append(entry.end)
            }
            let added = references.subtracting(before)
            let new = added.filter { state.entries[$0] == nil }
            for reference in added { state.entries[reference, default: Entry()].pods[uid] = "" }
            return (Array(new), ended)
        }
        for end in ended { end.set() }
        for reference in new { start.yield(reference) }
    }

    /// A pod has read this version of an object. Of one that it does not show, nothing is kept.
    func note(_ reference: Reference, _ resourceVersion: String, for uid: String) {
        state.withLock { state in
            if state.entries[reference]?.pods[uid] != nil { state.entries[reference]?.pods[uid] = resourceVersion }
        }
    }

    /// How many objects are watched.
    var count: Int { state.withLock { $0.entries.count } }

    /// Watches until cancelled. `changed` is called with the uid of each pod that should read again.
    func run(_ changed: @escaping @Sendable (String) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await reference in starts {
                guard let end = begin(reference) else { continue }
                group.addTask {
                    await withTaskGroup(of: Void.self) { race in
                        race.addTask { await end.wait(until: nil) }
                        race.addTask { await self.follow(reference, changed) }
                        await race.next()
                        race.cancelAll()
                    }
                }
            }
            group.cancelAll()
        }
    }

    /// The end of a watch that is to be begun; `nil` when it is no longer wanted, or was wanted anew and is there.
    private func begin(_ reference: Reference) -> Wakeup? {
        state.withLock { state in
            guard let entry = state.entries[reference], !entry.isWatched else { return nil }
            state.entries[reference]?.isWatched = true
            return entry.end
        }
    }

    private func follow(_ reference: Reference, _ changed: @Sendable (String) async -> Void) async {
        var options = ListOptions(fieldSelector: "metadata.name=\(reference.name)")
        var wait = Duration.milliseconds(200)
        while !Task.isCancelled {
            do {
                options.resourceVersion = ""
                let list = try await client.list(reference.resource, namespace: reference.namespace, options: options)
                let found = list.items.first { $0.name == reference.name && $0.namespace == reference.namespace }
                await tell(reference, found?.resourceVersion ?? "", changed)
                options.resourceVersion = list.resourceVersion
                for try await event in try await client.watch(reference.resource, namespace: reference.namespace, options: options)
                where event.kind != .bookmark && event.object.name == reference.name && event.object.namespace == reference.namespace {
                    await tell(reference, event.kind == .deleted ? "" : event.object.resourceVersion, changed)
                }
                wait = .milliseconds(200)
            } catch {
                if Task.isCancelled { return }
                log.warning("\(reference.resource.resource) \(reference.namespace)/\(reference.name) is not watched for now: \(error)")
                wait = min(wait * 2, .seconds(30))
            }
            try? await Task.sleep(for: wait)
        }
    }

    private func tell(_ reference: Reference, _ resourceVersion: String, _ changed: @Sendable (String) async -> Void) async {
        let behind = state.withLock { $0.entries[reference]?.pods.filter { $0.value != resourceVersion }.map(\.key) ?? [] }
        for uid in behind { await changed(uid) }
    }
}

extension ReferenceWatches {
    /// What a pod's volumes show.
    static func references(of pod: Pod) -> Set<Reference> {
        var references: Set<Reference> = []
        func add(_ source: Value, secret field: String) {
            if !source["configMap"].isNull {
                references.insert(.init(resource: .configMaps, namespace: pod.namespace, name: source["configMap"].name))
            }
            if let name = source["secret"][field].string {
                references.insert(.init(resource: .secrets, namespace: pod.namespace, name: name))
            }
        }
        for volume in pod.volumes {
            add(volume, secret: "secretName")
            for source in volume[path: "projected", "sources"].elements { add(source, secret: "name") }
        }
        return references
    }
}
