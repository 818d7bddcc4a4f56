internal import APIModel
internal import Client

/// Brings a Plugin object to the API, and waits for what becomes of it.
struct PluginInstaller {
    enum Change: String { case created, configured, unchanged }

    private static let patience = Duration.seconds(60)
    /// The states that a host stays in; the others are on the way.
    private static let final: Set<String> = ["Running", "Shadow", "Skipped", "Failed", "Stopped"]

    let client: any Client

    /// Makes the object, or gives the one that is there this specification. Labels and annotations are added to what it has.
    func apply(_ object: Value) async throws -> (change: Change, object: Object) {
        while true {
            do {
                return (.created, try await client.create(.plugins, object))
            } catch let error as APIError where error.reason == .alreadyExists {}
            do {
                let name = object["metadata"]["name"].string ?? ""
                let old = try await client.get(.plugins, name: name)
                var wanted = old.value
                wanted["spec"] = object["spec"]
                for field in ["labels", "annotations"] where !object["metadata"][field].isNull {
                    wanted["metadata"][field] = Patch.merge(wanted["metadata"][field], object["metadata"][field])
                }
                let new = try await client.update(.plugins, name: name, wanted)
                return (new.resourceVersion == old.resourceVersion ? .unchanged : .configured, new)
            } catch let error as APIError where error.reason == .conflict || error.reason == .notFound {
                // Somebody was quicker: look again.
            }
        }
    }

    /// The object when a host has done with this specification what it could.
    func settled(_ object: Object) async throws -> Value {
        guard !Self.isSettled(object.value, object.value) else { return object.value }
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                var version = object.resourceVersion
                while !Task.isCancelled {
                    let options = ListOptions(fieldSelector: "metadata.name=\(object.name)", resourceVersion: version)
                    for try await event in try await client.watch(.plugins, namespace: nil, options: options) where event.kind != .bookmark
                    {
                        if event.kind == .deleted { throw StartupFailure("\(object.name) was deleted meanwhile") }
                        version = event.object.resourceVersion
                        if Self.isSettled(event.object.value, object.value) { return event.object.value }
                    }
                }
                return nil
            }
            group.addTask {
                try await Task.sleep(for: Self.patience)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next() ?? nil else {
                throw StartupFailure(
                    "no host has taken up \(object.name) within \(Self.patience.components.seconds) s: see `kubectl describe plugin \(object.name)`"
                )
            }
            return first
        }
    }

    private static func isSettled(_ now: Value, _ wanted: Value) -> Bool {
        guard let observed = now["status"]["observedGeneration"].int, let generation = wanted["metadata"]["generation"].int else {
            return false
        }
        return observed >= generation && final.contains(now["status"]["state"].string ?? "")
    }
}
