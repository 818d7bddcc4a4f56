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
        /// Set when no pod shows the object any more.
        let end = Wakeup()
    }

    private let client: any Client
    private let log: Logger
    private let entries = Mutex<[Reference: Entry]>([:])
    private let starts: AsyncStream<Reference>
    private let start: AsyncStream<Reference>.Continuation

    init(client: any Client, log: Logger) {
        self.client = client
        self.log = log
        (starts, start) = AsyncStream.makeStream()
    }

    /// Names all that a pod shows from now on.
    func set(_ references: Set<Reference>, for uid: String) {
        let (new, ended) = entries.withLock { entries -> ([Reference], [Wakeup]) in
            var ended: [Wakeup] = []
            for (reference, entry) in entries where entry.pods[uid] != nil && !references.contains(reference) {
                entries[reference]?.pods[uid] = nil
                if entry.pods.count == 1 {
                    entries[reference] = nil
                    ended.append(entry.end)
                }
            }
            let new = references.filter { entries[$0] == nil }
            for reference in references where entries[reference]?.pods[uid] == nil { entries[reference, default: Entry()].pods[uid] = "" }
            return (Array(new), ended)
        }
        for end in ended { end.set() }
        for reference in new { start.yield(reference) }
    }

    /// A pod has read this version of an object. Of one that it does not show, nothing is kept.
    func note(_ reference: Reference, _ resourceVersion: String, for uid: String) {
        entries.withLock { entries in if entries[reference]?.pods[uid] != nil { entries[reference]?.pods[uid] = resourceVersion } }
    }

    /// How many objects are watched.
    var count: Int { entries.withLock { $0.count } }

    /// Watches until cancelled. `changed` is called with the uid of each pod that should read again.
    func run(_ changed: @escaping @Sendable (String) async -> Void) async {
        await withDiscardingTaskGroup { group in
            for await reference in starts {
                // It may be no longer wanted, or wanted anew: then it has another end.
                guard let end = entries.withLock({ $0[reference]?.end }) else { continue }
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
        let behind = entries.withLock { $0[reference]?.pods.filter { $0.value != resourceVersion }.map(\.key) ?? [] }
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
