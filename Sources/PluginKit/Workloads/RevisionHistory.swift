public import APIModel
internal import OrderedCollections

/// The templates that a StatefulSet or a DaemonSet had, kept as ControllerRevisions: what a Pod was made of, and what a roll-back goes to.
public struct RevisionHistory {
    public static let resource = GroupVersionResource(group: "apps", version: "v1", resource: "controllerrevisions")
    /// The label that says of which revision a Pod is.
    public static let label = "controller-revision-hash"

    /// By number, the newest last.
    public private(set) var revisions: [Value]

    public init(_ revisions: [Value]) {
        self.revisions = revisions.sorted { Self.rank($0) < Self.rank($1) }
    }

    private static func rank(_ revision: Value) -> (Whole, String, String) {
        let metadata = revision["metadata"]
        return (number(revision), metadata["creationTimestamp"].string ?? "", metadata["name"].string ?? "")
    }

    public static func number(_ revision: Value) -> Whole { revision["revision"].int ?? 0 }

    /// What a revision says: a strategic merge patch that puts the template in place. Byte for byte as upstream's controllers write it,
    /// whose clients compare it so: every field in the order of its name.
    public static func data(ofTemplate template: Value) -> Value {
        var template = template
        template["$patch"] = "replace"
        return ["spec": ["template": sorted(template)]]
    }

    private static func sorted(_ value: Value) -> Value {
        switch value {
        case .object(let fields):
            let names = fields.filter { !$0.value.isNull }.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            return .object(.init(uniqueKeysWithValues: names.map { ($0, sorted(fields[$0] ?? .null)) }))
        case .array(let elements): return .array(elements.map(sorted))
        default: return value
        }
    }

    public static func template(of revision: Value) -> Value {
        var template = revision["data"]["spec"]["template"]
        template["$patch"] = .null
        return template
    }

    public enum Step: Hashable {
        /// It is the newest already.
        case keep(Value)
        /// A roll-back: an older one becomes the newest.
        case renumber(Value, Whole)
        case create(Whole)
    }

    /// How `data` becomes the newest revision.
    public func step(for data: Value) -> Step {
        let next = (revisions.last.map(Self.number) ?? 0) + 1
        guard let equal = revisions.last(where: { $0["data"] == data }) else { return .create(next) }
        return equal["data"] == revisions.last?["data"] ? .keep(revisions.last ?? equal) : .renumber(equal, next)
    }

    public subscript(name: String) -> Value? { revisions.first { $0["metadata"]["name"].string == name } }

    /// The revisions beyond `limit` that nothing uses any more, the oldest first.
    /// - Parameter live: by name.
    public func excess(live: Set<String>, limit: Whole) -> ArraySlice<Value> {
        let idle = revisions.filter { !live.contains($0["metadata"]["name"].string ?? "") }
        return idle.prefix(max(0, idle.count - Int(max(0, limit))))
    }

    /// Puts in place what became of a `Step`.
    mutating func put(_ revision: Value) {
        self = RevisionHistory(revisions.filter { $0["metadata"]["uid"] != revision["metadata"]["uid"] } + [revision])
    }
}

extension Objects {
    /// The revisions of `owner`, an object of `resource`, after adopting and releasing.
    public func revisions(of owner: Value, _ resource: GroupVersionResource) throws -> RevisionHistory {
        RevisionHistory(try claim(RevisionHistory.resource, for: owner, of: resource, selector: owner["spec"]["selector"]))
    }

    /// Makes the owner's template the newest revision.
    ///
    /// - Parameters:
    ///   - hashLabel: under which the revision bears its hash.
    ///   - collisions: the owner's `status.collisionCount`, raised when another revision has the name.
    /// - Returns: that revision.
    public func synchronize(_ history: inout RevisionHistory, of owner: Value, hashLabel: String, collisions: inout Whole) throws -> Value {
        let template = owner["spec"]["template"]
        let data = RevisionHistory.data(ofTemplate: template)
        let newest: Value
        switch history.step(for: data) {
        case .keep(let revision): return revision
        case .renumber(let revision, let number):
            let metadata = revision["metadata"]
            newest = try patch(
                RevisionHistory.resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                .merge, ["metadata": ["uid": metadata["uid"]], "revision": .int(number)])
        case .create(let number):
            newest = try create(data, number: number, template: template, of: owner, hashLabel: hashLabel, collisions: &collisions)
        }
        history.put(newest)
        return newest
    }

    private func create(
        _ data: Value, number: Whole, template: Value, of owner: Value, hashLabel: String, collisions: inout Whole
    ) throws -> Value {
        let namespace = owner["metadata"]["namespace"].string ?? ""
        while true {
            let hash = TemplateHash.of(data, collisionCount: collisions)
            // Room for the hash in a name of 253.
            let name = "\((owner["metadata"]["name"].string ?? "").prefix(223))-\(hash)"
            var revision: Value = [
                "apiVersion": "apps/v1", "kind": "ControllerRevision", "data": data, "revision": .int(number),
                "metadata": [
                    "name": .string(name), "labels": template["metadata"]["labels"], "annotations": owner["metadata"]["annotations"],
                    "ownerReferences": [OwnerReference.controller(owner)],
                ],
            ]
            revision["metadata"]["labels"][hashLabel] = .string(hash)
            do { return try create(RevisionHistory.resource, namespace: namespace, revision) } catch let error as APIError
                where error.reason == .alreadyExists
            {
                if let existing = try fetch(RevisionHistory.resource, namespace: namespace, name: name), existing["data"] == data,
                    OwnerReference.isControlled(existing, by: owner)
                {
                    return existing
                }
                collisions = collisions + 1
            }
        }
    }

    /// Deletes the revisions that nothing needs any more.
    public func truncate(_ history: RevisionHistory, of owner: Value, live: Set<String>) throws {
        guard let limit = owner["spec"]["revisionHistoryLimit"].int else { return }
        for revision in history.excess(live: live, limit: limit) { try remove(RevisionHistory.resource, revision) }
    }
}
