public import APIModel

extension PodClaims {
    /// The keys of the claims that `pod` uses, for a controller's `map`.
    public static func keys(_ pod: Value) -> [Key] {
        names(pod).map {
            Key(resource: StorageObjects.claims.description, namespace: pod["metadata"]["namespace"].string ?? "", name: $0)
        }
    }
}

extension Objects {
    /// The Pods that use a claim, and the one that it was made for. The manifest must watch Pods and index them by
    /// `spec.volumes[*].persistentVolumeClaim.claimName`.
    public func pods(using claim: Value) throws -> [Value] {
        let metadata = claim["metadata"]
        let (namespace, name) = (metadata["namespace"].string ?? "", metadata["name"].string ?? "")
        var pods = try list(.pods, namespace: namespace, fields: "spec.volumes[*].persistentVolumeClaim.claimName=\(name)")
        let owner = OwnerReference.controller(of: claim)
        if owner["kind"].string == "Pod", owner["apiVersion"].string == "v1",
            let pod = try get(.pods, namespace: namespace, name: owner["name"].string ?? ""), pod["metadata"]["uid"] == owner["uid"],
            pod["spec"]["volumes"].elements.contains(where: { !$0["ephemeral"].isNull && PodClaims.name(of: $0, pod) == name })
        {
            pods.append(pod)
        }
        return pods
    }
}
