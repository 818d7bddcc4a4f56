public import APIModel

/// Owner references, as controllers set and read them.
public enum OwnerReference {
    /// The reference that makes `owner` the controller of another object.
    public static func controller(_ owner: Value) -> Value {
        [
            "apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
            "controller": true,
            "blockOwnerDeletion": true,
        ]
    }

    /// The reference with `controller: true` of `object`, `.null` where there is none.
    public static func controller(of object: Value) -> Value {
        object["metadata"]["ownerReferences"].elements.first { $0["controller"].bool == true } ?? .null
    }

    /// Whether `owner` is the controller of `object`.
    public static func isControlled(_ object: Value, by owner: Value) -> Bool { controller(of: object)["uid"] == owner["metadata"]["uid"] }
}

extension Objects {
    /// The objects of `resource` that `owner` controls, after adopting the orphans that match its selector and releasing those of its own
    /// that no longer do (upstream's ControllerRefManager).
    ///
    /// - Parameters:
    ///   - resource: a kind that the manifest lists under `owns`.
    ///   - ownerResource: the kind of `owner`.
    ///   - selector: the owner's, a LabelSelector.
    ///   - finalizer: what an adopted object gets beside its owner, and a released one loses.
    ///   - isMember: what the owner asks for beyond the labels.
    /// - Throws: for a selector that does not parse.
    public func claim(
        _ resource: GroupVersionResource, for owner: Value, of ownerResource: GroupVersionResource, selector: Value,
        finalizer: String? = nil, where isMember: (Value) -> Bool = { _ in true }
    ) throws -> [Value] {
        let selector = try LabelSelector(selector)
        let finalizers = finalizer.map { Value([$0]) } ?? .null
        let namespace = owner["metadata"]["namespace"].string ?? ""
        var claimed: [Value] = []
        var mayAdopt: Bool?
        // The host picks them, so that the others of the namespace are not even decoded.
        let candidates = try dependents(
            of: owner["metadata"]["uid"].string ?? "", resource, namespace: namespace,
            orphans: selector == .nothing ? "" : selector.description)
        for object in candidates {
            let name = object["metadata"]["name"].string ?? ""
            let matches = selector.matches(labelsOf: object) && isMember(object)
            let reference = OwnerReference.controller(of: object)
            if reference.isNull {
                guard matches, object["metadata"]["deletionTimestamp"].isNull else { continue }
                if mayAdopt == nil { mayAdopt = try isLive(owner, ownerResource) }
                guard mayAdopt == true else { continue }
                let patch: Value = [
                    "metadata": [
                        "ownerReferences": [OwnerReference.controller(owner)], "uid": object["metadata"]["uid"], "finalizers": finalizers,
                    ]
                ]
                if let adopted = try changed({ try self.patch(resource, namespace: namespace, name: name, .strategic, patch) }) {
                    claimed.append(adopted)
                }
            } else if reference["uid"] == owner["metadata"]["uid"] {
                if matches {
                    claimed.append(object)
                } else if owner["metadata"]["deletionTimestamp"].isNull {
                    let release: Value = [
                        "metadata": [
                            "ownerReferences": [["$patch": "delete", "uid": reference["uid"]]], "uid": object["metadata"]["uid"],
                            "$deleteFromPrimitiveList/finalizers": finalizers,
                        ]
                    ]
                    _ = try changed { try self.patch(resource, namespace: namespace, name: name, .strategic, release) }
                }
            }
        }
        return claimed
    }

    /// Whether the API itself says that `owner` is there and stays. A cache may not know yet that it is being deleted, and what is adopted
    /// then is deleted with it.
    private func isLive(_ owner: Value, _ resource: GroupVersionResource) throws -> Bool {
        let metadata = owner["metadata"]
        guard metadata["deletionTimestamp"].isNull,
            let live = try fetch(resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
        else { return false }
        return live["metadata"]["uid"] == metadata["uid"] && live["metadata"]["deletionTimestamp"].isNull
    }

    /// What `write` answers, `nil` when the object went away meanwhile: then there is nothing to claim or release.
    private func changed(_ write: () throws -> Value) throws -> Value? {
        do { return try write() } catch let error as APIError where error.reason == .notFound || error.reason == .invalid { return nil }
    }
}
