internal import OrderedCollections

/// A ResourceQuota as it is enforced: by its status, which says what the controller has counted.
public struct Quota: Sendable {
    public let object: Value
    public let name: String
    public let uid: String
    /// What is allowed.
    public let hard: ResourceList
    /// What is counted. Grows with what is admitted.
    public var used: ResourceList
    private let scopes: [QuotaScope]

    public init(_ object: Value) {
        self.object = object
        name = object["metadata"]["name"].string ?? ""
        uid = object["metadata"]["uid"].string ?? ""
        hard = ResourceList(object["status"]["hard"])
        used = ResourceList(object["status"]["used"])
        scopes = QuotaScope.all(of: object)
    }

    /// Whether the quota is about the object.
    public func matches(_ object: Value, _ evaluator: any QuotaEvaluator) -> Bool {
        hard.names.contains(where: evaluator.counts) && scopes.allSatisfy { evaluator.matches($0, object) }
    }

    /// What of `hard` is used by `objects`, all of one collection: 0 for what they use nothing of.
    ///
    /// - Parameter hard: the names that count; of `status` or, before there is one, of `spec`.
    public func usage(of objects: some Sequence<Value>, _ evaluator: any QuotaEvaluator, hard: ResourceList, now: Whole) -> ResourceList {
        let counted = hard.filter { name, _ in evaluator.counts(name) }
        var usage = ResourceList(counted.amounts.mapValues { _ in .zero })
        guard !counted.isEmpty else { return usage }
        for object in objects where scopes.allSatisfy({ evaluator.matches($0, object) }) {
            usage += evaluator.usage(of: object, now: now).filter { name, _ in counted[name] != nil }
        }
        return usage
    }
}

extension Quota {
    /// The collections that the named resources are counted from: `/pods`, `apps/deployments`.
    public static func collections(for hard: ResourceList) -> [String] {
        var collections: Set<String> = []
        for name in hard.names {
            let named = QuotaEvaluators.named.filter { QuotaEvaluators.evaluator(for: $0)?.counts(name) == true }
            collections.formUnion(named)
            guard named.isEmpty, name.hasPrefix("count/") else { continue }
            let parts = name.dropFirst("count/".count).split(separator: ".", maxSplits: 1)
            guard let resource = parts.first else { continue }
            collections.insert("\(parts.count > 1 ? parts[1] : "")/\(resource)")
        }
        return collections.sorted()
    }

    /// What of `hard` is used, by all collections that `objects` gives; nothing is said of what those use for which it gives `nil`.
    public func usage(hard: ResourceList, now: Whole, objects: (_ collection: String) throws -> [Value]?) rethrows -> ResourceList {
        var usage = ResourceList()
        for collection in Self.collections(for: hard) {
            guard let evaluator = QuotaEvaluators.evaluator(for: collection), let all = try objects(collection) else { continue }
            usage += self.usage(of: all, evaluator, hard: hard, now: now)
        }
        return usage
    }
}
