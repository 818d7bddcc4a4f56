import APIModel
import PKI

/// Keeps a kubelet to its own node, and to what the pods on it need.
///
/// A node that was taken over must not be able to draw others' pods, secrets or rights to itself. What it may see is the authorizer's part.
struct NodeRestriction: ValidatingMember {
    /// - Throws: 403 unless the node may.
    typealias Check = @Sendable (_ object: Value, _ node: String, _ request: AdmissionRequest) async throws -> Void

    let name = "NodeRestriction"

    private static let prefix = "system:node:"
    private static let checks: [String: Check] = [
        "/nodes": checkNode, "/pods": checkPod, "/persistentvolumeclaims": checkClaim, "/serviceaccounts": checkToken,
        "coordination.k8s.io/leases": checkLease, "storage.k8s.io/csinodes": checkCSINode,
        "resource.k8s.io/resourceslices": checkResourceSlice,
        "certificates.k8s.io/certificatesigningrequests": checkCertificateRequest,
        "certificates.k8s.io/podcertificaterequests": checkPodCertificateRequest, "plugins.apus.dev/plugins": checkPlugin,
    ]

    func concerns(collection: String) -> Bool { Self.checks[collection] != nil }

    /// The node that the user is the kubelet of; empty for a node's user whose name tells none.
    static func node(of user: UserInfo) -> String? {
        guard user.groups.contains("system:nodes") else { return nil }
        return user.name.hasPrefix(prefix) ? String(user.name.dropFirst(prefix.count)) : ""
    }

    /// When everybody has changed the object: what a node asks for is judged as it would be written.
    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard request.operation != .connect, let node = Self.node(of: request.user) else { return nil }
        guard !node.isEmpty else {
            throw request.target.forbidden("could not determine node from user \(FieldError.quoted(request.user.name))")
        }
        try await Self.checks[request.target.storage.collection]?(object, node, request)
        return nil
    }

    static func unexpected(_ request: AdmissionRequest, _ more: String = "") -> APIError {
        request.target.forbidden("unexpected operation \(FieldError.quoted(request.operation.rawValue))\(more)")
    }

    // MARK: Objects of the node's own

    private static let checkLease: Check = { lease, node, request in
        let target = request.target
        guard target.namespace == "kube-node-lease" else {
            throw target.forbidden("can only access leases in the \"kube-node-lease\" system namespace")
        }
        guard target.name == node else {
            throw target.forbidden("can only access node lease with the same name as the requesting node")
        }
    }

    private static let checkCSINode: Check = { object, node, request in
        guard request.target.name == node else {
            throw request.target.forbidden("can only access CSINode with the same name as the requesting node")
        }
    }

    private static let checkResourceSlice: Check = { slice, node, request in
        for (operation, verb, spec) in [
            (AdmissionRequest.Operation.create, "create", slice["spec"]), (.delete, "delete", request.old?["spec"]),
        ]
        where request.operation == operation && spec?["nodeName"].string != node {
            throw request.target.forbidden("can only \(verb) ResourceSlice with the same NodeName as the requesting node")
        }
    }

    private static let checkCertificateRequest: Check = { object, node, request in
        let signers = ["kubernetes.io/kubelet-serving", "kubernetes.io/kube-apiserver-client-kubelet"]
        guard request.operation == .create, request.isOfObject, signers.contains(object[path: "spec", "signerName"].string ?? "") else {
            return
        }
        guard let asked = try? SigningRequest(of: object), asked.user == prefix + node else {
            throw request.target.forbidden("can only create a node CSR with CN=\(prefix)\(node)")
        }
    }

    /// A node runs runtimes, and tells how they are.
    private static let checkPlugin: Check = { plugin, node, request in
        guard plugin[path: "spec", "kind"].string == "Runtime" else {
            throw request.target.forbidden("node \(FieldError.quoted(node)) can only update the status of runtime plugins")
        }
    }

    // MARK: What pods on the node need

    /// A node tells how large a claim's volume is, and nothing else of it.
    private static let checkClaim: Check = { claim, node, request in
        guard request.target.subresource == "status" else { throw request.target.forbidden("may only update PVC status") }
        guard request.operation == .update, let old = request.old else { throw unexpected(request) }
        func rest(_ claim: Value) -> Value {
            var rest = claim
            for field in ["resourceVersion", "managedFields"] { rest["metadata"][field] = .null }
            for field in ["capacity", "conditions", "allocatedResourceStatuses", "allocatedResources"] { rest["status"][field] = .null }
            return rest
        }
        guard rest(claim) == rest(old) else {
            throw request.target.forbidden(
                "node \(FieldError.quoted(node)) is not allowed to update fields other than status.quantity and status.conditions")
        }
    }

    /// The pod of that name on the node.
    static func pod(
        _ name: String, uid: String, _ node: String, _ request: AdmissionRequest, elsewhere: String
    ) throws -> Object {
        let target = request.target
        guard let pod = request.registry.latest("/pods", namespace: target.namespace, name: name) else {
            throw APIError.notFound("pods", name)
        }
        guard uid == pod.uid else {
            throw target.forbidden(
                "the UID in the bound object reference (\(uid)) does not match the UID in record. The object might have been deleted and then recreated"
            )
        }
        guard pod.value[path: "spec", "nodeName"].string == node else { throw target.forbidden(elsewhere) }
        return pod
    }
}
