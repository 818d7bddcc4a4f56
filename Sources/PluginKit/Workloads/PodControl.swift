public import APIModel

/// Pods as workload controllers make them of a template.
public enum PodTemplate {
    /// The Pod of `template`, with `owner` as its controller and a name that the API finishes: `web-x7k2p`.
    public static func pod(_ template: Value, for owner: Value) -> Value {
        var pod: Value = [
            "apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"].isNull ? .emptyObject : template["metadata"],
            "spec": template["spec"],
        ]
        pod["metadata"]["name"] = .null
        pod["metadata"]["generateName"] = "\(owner["metadata"]["name"].string ?? "")-"
        pod["metadata"]["namespace"] = owner["metadata"]["namespace"]
        pod["metadata"]["ownerReferences"] = [OwnerReference.controller(owner)]
        return pod
    }
}

extension Objects {
    /// Makes a Pod for `owner`, and says so in an Event.
    ///
    /// - Returns: `nil` where the namespace is being deleted and takes no new objects: that is no failure, and no other Pod will do better.
    /// - Throws: what the API refused, after an Event that says it.
    public func createPod(_ pod: Value, for owner: Value) throws -> Value? {
        do {
            let made = try create(.pods, namespace: owner["metadata"]["namespace"].string ?? "", pod)
            event(owner, .normal, reason: "SuccessfulCreate", message: "Created pod: \(made["metadata"]["name"].string ?? "")")
            return made
        } catch let error as APIError {
            if error.isOfEndingNamespace { return nil }
            event(owner, .warning, reason: "FailedCreate", message: "Error creating: \(error.message)")
            throw error
        }
    }

    /// Deletes that very object.
    ///
    /// - Returns: whether it was there: one that is gone, or another of its name, is left alone.
    @discardableResult
    public func remove(_ resource: GroupVersionResource, _ object: Value, propagation: String? = nil) throws -> Bool {
        let metadata = object["metadata"]
        do {
            try delete(
                resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "",
                options: ["preconditions": ["uid": metadata["uid"]], "propagationPolicy": Value(propagation)])
            return true
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {
            return false
        }
    }

    /// Deletes that very Pod, and says so in an Event. One that is gone, or another of its name, is left alone.
    public func deletePod(_ pod: Value, of owner: Value) throws {
        do {
            guard try remove(.pods, pod) else { return }
            event(owner, .normal, reason: "SuccessfulDelete", message: "Deleted pod: \(pod["metadata"]["name"].string ?? "")")
        } catch {
            event(owner, .warning, reason: "FailedDelete", message: "Error deleting: \(error)")
            throw error
        }
    }
}

extension APIError {
    /// Whether a create was refused because its namespace is being deleted.
    public var isOfEndingNamespace: Bool {
        details["causes"].elements.contains { $0["reason"].string == "NamespaceTerminating" }
    }
}
