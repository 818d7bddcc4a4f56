public import APIModel
public import PluginKit

/// Counts what a namespace uses, and tells it in the status of its ResourceQuotas.
///
/// The API server adds what it admits by itself; this looks again when something goes or gives up what it had, and at everything from time to
/// time. Rules: upstream `pkg/controller/resourcequota`. Configuration: `resyncSeconds`, 300 where it is not given.
public struct ResourceQuotaController: Controller {
    public static let settings: Set = ["resyncSeconds"]

    private static let quotas = GroupVersionResource(group: "", version: "v1", resource: "resourcequotas")
    /// Whose changes come by themselves, by collection: what the manifest watches.
    private static let watched: [String: GroupVersionResource] = {
        let resources = [
            "v1": "pods services persistentvolumeclaims configmaps secrets replicationcontrollers resourcequotas",
            "apps/v1": "deployments replicasets statefulsets daemonsets", "batch/v1": "jobs cronjobs",
            "resource.k8s.io/v1": "resourceclaims",
        ]
        let all = resources.flatMap { version, names in names.split(separator: " ").compactMap { GroupVersionResource("\(version)/\($0)") }
        }
        return Dictionary(uniqueKeysWithValues: all.map { ("\($0.group)/\($0.resource)", $0) })
    }()
    /// How soon what does not come by itself is looked at again, and what another said differently a moment ago.
    private static let lookAgain: Whole = 10
    private static let soon: Whole = 1

    private let objects: Objects
    private let kinds: HostKinds
    private let resync: Whole

    public init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
        resync = config["resyncSeconds"].seconds ?? 300
    }

    /// The quotas of the namespace that count what went, or what gave something up.
    public func map(resource: String, before: Value, after: Value) -> [Key] {
        guard !before.isNull, let resource = GroupVersionResource(resource) else { return [] }
        let collection = "\(resource.group)/\(resource.resource)"
        guard let evaluator = QuotaEvaluators.evaluator(for: collection) else { return [] }
        guard after.isNull || evaluator.mayUseLess(after, than: before, now: Timestamp.nowSeconds()) else { return [] }
        let namespace = before["metadata"]["namespace"].string ?? ""
        let quotas = (try? objects.list(Self.quotas, namespace: namespace)) ?? []
        return quotas.filter { ResourceList($0["spec"]["hard"]).names.contains(where: evaluator.counts) }.map {
            Key($0, of: Self.quotas.description)
        }
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let object = try objects.get(Self.quotas, namespace: key.namespace, name: key.name) else { return .done }
        let hard = ResourceList(object["spec"]["hard"])
        let quota = Quota(object)
        var isWatched = true
        // A kind that cannot be listed holds up no other.
        var failure: APIError?
        var used = try quota.usage(hard: hard, now: Timestamp.nowSeconds()) { collection in
            if let resource = Self.watched[collection] { return try objects.list(resource, namespace: key.namespace) }
            isWatched = false
            do {
                return try resource(of: collection).map { try objects.list($0, namespace: key.namespace) } ?? []
            } catch let error as APIError {
                failure = error
                return nil
            }
        }
        // What nobody can count stays as it was said to be.
        for name in hard.names where used[name] == nil { used[name] = quota.used[name] }
        let rest = isWatched ? resync : min(resync, Self.lookAgain)
        // A quota that limits nothing has nothing to say: an empty list is not kept.
        guard hard != quota.hard || used != quota.used || (object["status"]["used"].isNull && !hard.isEmpty) else {
            if let failure { throw failure }
            return .doneCheckAgain(afterMilliseconds: rest * 1000)
        }
        var wanted = object
        wanted["status"] = ["hard": object["spec"]["hard"], "used": used.value]
        let written = try objects.updateStatus(Self.quotas, wanted)
        if let failure { throw failure }
        // The server knows of more than is to be seen here yet.
        let isAgreed = ResourceList(written["status"]["used"]) == used
        return .doneCheckAgain(afterMilliseconds: (isAgreed ? rest : Self.soon) * 1000)
    }

    /// How the objects of a collection are kept, where they have namespaces.
    private func resource(of collection: String) throws -> GroupVersionResource? {
        let parts = collection.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let kind = try kinds.current.stored(group: parts[0], resource: parts[parts.count - 1]) else { return nil }
        return kind.isNamespaced ? kind.resource : nil
    }
}
