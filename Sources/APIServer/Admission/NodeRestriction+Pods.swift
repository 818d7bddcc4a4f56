import APIModel

extension NodeRestriction {
    static let checkPod: Check = { object, node, request in
        let (target, quoted) = (request.target, FieldError.quoted(node))
        let isOwn = (request.old ?? podOfSubresource(request))?[path: "spec", "nodeName"].string == node
        switch (target.subresource, request.operation) {
        case ("", .create): try checkMirror(object, node, request)
        case ("", .delete):
            guard isOwn else { throw target.forbidden("node \(quoted) can only delete pods with spec.nodeName set to itself") }
        case ("", _): throw unexpected(request, ", node \(quoted) can only create and delete mirror pods")
        case ("status", .update):
            guard isOwn, let old = request.old else {
                throw target.forbidden("node \(quoted) can only update pod status for pods with spec.nodeName set to itself")
            }
            try checkStatus(object, old: old, quoted, target)
        case ("eviction", .create):
            guard isOwn else { throw target.forbidden("node \(node) can only evict pods with spec.nodeName set to itself") }
        case ("status", _), ("eviction", _): throw unexpected(request)
        case (let subresource, _):
            throw target.forbidden(
                "unexpected pod subresource \(FieldError.quoted(subresource)), only 'status' and 'eviction' are allowed")
        }
    }

    private static func podOfSubresource(_ request: AdmissionRequest) -> Value? {
        guard !request.isOfObject else { return nil }
        return request.registry.latest("/pods", namespace: request.target.namespace, name: request.target.name)?.value
    }

    private static func checkStatus(_ pod: Value, old: Value, _ node: String, _ target: Target) throws {
        guard pod["metadata"]["labels"] == old["metadata"]["labels"] else {
            throw target.forbidden("node \(node) cannot update labels through pod status")
        }
        for (field, what) in [
            ("resourceClaimStatuses", "resource claim statues"), ("extendedResourceClaimStatus", "extended resource claim status"),
        ] where pod["status"][field] != old["status"][field] {
            throw target.forbidden("node \(node) cannot update \(what)")
        }
    }

    /// A node tells of the pods that it runs from its own files; such a pod stands for nothing that the API knows.
    private static func checkMirror(_ pod: Value, _ node: String, _ request: AdmissionRequest) throws {
        let (target, quoted) = (request.target, FieldError.quoted(node))
        guard !pod[path: "metadata", "annotations"][MirrorPod.annotation].isNull else {
            throw target.forbidden(
                "pod does not have \"\(MirrorPod.annotation)\" annotation, node \(quoted) can only create mirror pods")
        }
        guard pod[path: "spec", "nodeName"].string == node else {
            throw target.forbidden("node \(quoted) can only create pods with spec.nodeName set to itself")
        }
        let owners = pod[path: "metadata", "ownerReferences"].elements
        guard owners.count <= 1 else {
            throw target.forbidden("node \(quoted) can only create pods with a single owner reference set to itself")
        }
        guard let owner = owners.first, owner["apiVersion"].string == "v1", owner["kind"].string == "Node", owner["name"].string == node
        else {
            throw target.forbidden("node \(quoted) can only create pods with an owner reference set to itself")
        }
        guard owner["controller"].bool == true else {
            throw target.forbidden("node \(quoted) can only create pods with a controller owner reference set to itself")
        }
        guard owner["blockOwnerDeletion"].bool != true else {
            throw target.forbidden("node \(quoted) must not set blockOwnerDeletion on an owner reference")
        }
        guard let own = request.registry.latest("/nodes", name: node) else { throw APIError.notFound("nodes", node) }
        guard own.uid == owner["uid"].string else {
            throw target.forbidden("node \(node) UID mismatch: expected \(owner["uid"].string ?? "") got \(own.uid)")
        }
        if let reference = PodReferences.first(in: pod) {
            throw target.forbidden("node \(quoted) can not create pods that reference \(reference)")
        }
    }

    // MARK: Tokens and certificates of pods

    static let checkToken: Check = { object, node, request in
        guard request.operation == .create, request.target.subresource == "token" else { return }
        let target = request.target
        let reference = object[path: "spec", "boundObjectRef"]
        let (name, uid) = (reference["name"].string ?? "", reference["uid"].string ?? "")
        guard reference["apiVersion"].string == "v1", reference["kind"].string == "Pod", !name.isEmpty else {
            throw target.forbidden("node requested token not bound to a pod")
        }
        guard !uid.isEmpty else { throw target.forbidden("node requested token with a pod binding without a uid") }
        let pod = try pod(
            name, uid: uid, node, request, elsewhere: "node requested token bound to a pod scheduled on a different node")
        try await checkAudience(object[path: "spec", "audiences"].elements.compactMap(\.string), pod.value, request)
    }

    /// For whom a node may have tokens: those that the pod itself asks for in a volume.
    private static func checkAudience(_ audiences: [String], _ pod: Value, _ request: AdmissionRequest) async throws {
        let target = request.target
        guard audiences.count <= 1 else { throw target.forbidden("node may only request 0 or 1 audiences") }
        let audience = audiences.first ?? ""
        for volume in pod[path: "spec", "volumes"].elements {
            let tokens = volume[path: "projected", "sources"].elements.map { $0["serviceAccountToken"] }.filter { !$0.isNull }
            if tokens.contains(where: { $0["audience"].string ?? "" == audience }) { return }
            guard let driver = driver(of: volume, pod, request),
                let found = request.registry.latest("storage.k8s.io/csidrivers", name: driver)
            else { continue }
            if found.value[path: "spec", "tokenRequests"].elements.contains(where: { $0["audience"].string ?? "" == audience }) { return }
        }
        let attributes = Attributes(
            user: request.user, verb: "request-serviceaccounts-token-audience", group: "", resource: audience,
            namespace: target.namespace, name: target.name)
        if await request.registry.authorizer.allows(attributes) { return }
        throw target.forbidden(
            "audience \(FieldError.quoted(audience)) not found in pod spec volume, \(request.user.name) is not authorized to request tokens for this audience"
        )
    }

    /// The CSI driver that serves the volume, itself or through a claim.
    private static func driver(of volume: Value, _ pod: Value, _ request: AdmissionRequest) -> String? {
        if let driver = volume[path: "csi", "driver"].string { return driver }
        guard let claim = PodClaims.name(in: volume, pod: pod[path: "metadata", "name"].string ?? ""),
            let bound = request.registry.latest("/persistentvolumeclaims", namespace: request.target.namespace, name: claim),
            let name = bound.value[path: "spec", "volumeName"].string
        else { return nil }
        return request.registry.latest("/persistentvolumes", name: name)?.value[path: "spec", "csi", "driver"].string
    }

    static let checkPodCertificateRequest: Check = { object, node, request in
        let (target, spec) = (request.target, object["spec"])
        guard request.operation == .create, request.isOfObject else { throw unexpected(request) }
        guard spec["nodeName"].string == node else {
            throw target.forbidden(
                "PodCertificateRequest.Spec.NodeName=\(FieldError.quoted(spec["nodeName"].string ?? "")), which is not the requesting node \(FieldError.quoted(node))"
            )
        }
        let name = spec["podName"].string ?? ""
        let pod = try pod(
            name, uid: spec["podUID"].string ?? "", node, request,
            elsewhere:
                "pod \(FieldError.quoted("\(target.namespace)/\(name)")) is not running on node \(FieldError.quoted(node)) named in the PodCertificateRequest"
        )
        guard pod.metadata["annotations"][MirrorPod.annotation].isNull else {
            throw target.forbidden("pod \(FieldError.quoted("\(target.namespace)/\(name)")) is a mirror pod")
        }
        let account = spec["serviceAccountName"].string ?? ""
        let found = request.registry.latest("/serviceaccounts", namespace: target.namespace, name: account)
        guard pod.value[path: "spec", "serviceAccountName"].string == account, found?.uid == spec["serviceAccountUID"].string,
            request.registry.latest("/nodes", name: node)?.uid == spec["nodeUID"].string
        else {
            throw target.forbidden("the service account and the node of a PodCertificateRequest must be those of its pod")
        }
    }
}
