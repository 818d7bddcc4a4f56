import APIModel
import Store

/// What a node may do: what every kubelet does alike, and to objects that stand for something on a node, what the node itself has to do with
/// them. The rest of its isolation is `NodeRestriction`, which sees what is written.
struct NodeAuthorizer: Authorizer {
    private struct Request {
        var node: String
        var attributes: Attributes
        var graph: NodeGraph
    }

    private typealias Rule = @Sendable (Request) -> Decision

    private let graph: NodeGraph

    init(store: Store) { graph = NodeGraph(store: store) }

    func authorize(_ attributes: Attributes) -> Decision {
        guard let node = NodeRestriction.node(of: attributes.user) else { return .noOpinion }
        guard !node.isEmpty else { return .pass("unknown node for user \(FieldError.quoted(attributes.user.name))") }
        if attributes.isResource, let rule = Self.rules["\(attributes.group)/\(attributes.resource)"] {
            return rule(Request(node: node, attributes: attributes, graph: graph))
        }
        return BootstrapPolicy.nodeRules.contains { $0.allows(attributes) } ? .allow("") : .noOpinion
    }

    func rules(for user: UserInfo, namespace: String) -> [PolicyRule] { [] }

    func unresolvedRules(for user: UserInfo) -> String? {
        NodeRestriction.node(of: user) == nil ? nil : "node authorizer does not support user rule resolution"
    }

    // MARK: Rules, by collection

    private static let rules: [String: Rule] = [
        "/secrets": read, "/configmaps": read, "/persistentvolumeclaims": claim, "/persistentvolumes": get,
        "resource.k8s.io/resourceclaims": get, "storage.k8s.io/volumeattachments": get, "/serviceaccounts": serviceAccount,
        "coordination.k8s.io/leases": lease, "storage.k8s.io/csinodes": csiNode, "resource.k8s.io/resourceslices": slice, "/nodes": node,
        "/pods": pod, "certificates.k8s.io/podcertificaterequests": podCertificateRequest,
    ]

    /// An object that the node's pods need, alone.
    private static let read: Rule = { request in
        let attributes = request.attributes
        guard ["get", "list", "watch"].contains(attributes.verb) else { return .pass("can only read resources of this type") }
        guard attributes.subresource.isEmpty else { return .pass("cannot read subresource") }
        guard !attributes.namespace.isEmpty else { return .pass("can only read namespaced object of this type") }
        return connected(request)
    }

    private static let get: Rule = { request in
        guard request.attributes.verb == "get" else { return .pass("can only get individual resources of this type") }
        guard request.attributes.subresource.isEmpty else { return .pass("cannot get subresource") }
        return connected(request)
    }

    private static let claim: Rule = { request in
        guard request.attributes.subresource == "status" else { return get(request) }
        guard ["update", "patch"].contains(request.attributes.verb) else { return .pass("can only get/update/patch this type") }
        return connected(request)
    }

    private static let serviceAccount: Rule = { request in
        let attributes = request.attributes
        if attributes.verb == "get", attributes.subresource.isEmpty { return read(request) }
        guard attributes.verb == "create", !attributes.name.isEmpty else {
            return .pass("can only create tokens for individual service accounts")
        }
        guard attributes.subresource == "token" else { return .pass("can only create token subresource of serviceaccount") }
        return connected(request)
    }

    private static let lease: Rule = { request in
        guard ownVerbs.contains(request.attributes.verb) else {
            return .pass("can only get, create, update, patch, or delete a node lease")
        }
        guard request.attributes.namespace == "kube-node-lease" else {
            return .pass("can only access leases in the \"kube-node-lease\" system namespace")
        }
        return named(request, else: "can only access node lease with the same name as the requesting node")
    }

    private static let csiNode: Rule = { request in
        guard ownVerbs.contains(request.attributes.verb) else { return .pass("can only get, create, update, patch, or delete a CSINode") }
        guard request.attributes.subresource.isEmpty else { return .pass("cannot authorize CSINode subresources") }
        return named(request, else: "can only access CSINode with the same name as the requesting node")
    }

    private static let slice: Rule = { request in
        guard request.attributes.subresource.isEmpty else { return .pass("cannot authorize ResourceSlice subresources") }
        switch request.attributes.verb {
        // Whose it is, only admission can see.
        case "create": return .allow("")
        case "get", "update", "patch", "delete": return connected(request)
        case "watch", "list", "deletecollection":
            return selected(
                request, by: "spec.nodeName", else: "can only list/watch/deletecollection resourceslices with nodeName field selector")
        default:
            return .pass(
                "only the following verbs are allowed for a ResourceSlice: get, watch, list, create, update, patch, delete, deletecollection"
            )
        }
    }

    private static let node: Rule = { request in
        let attributes = request.attributes
        switch (attributes.subresource, attributes.verb) {
        // Which one it changes, admission looks at.
        case ("", "create"), ("", "update"), ("", "patch"), ("status", "update"), ("status", "patch"): return .allow("")
        case ("", "get"), ("", "list"), ("", "watch"):
            if attributes.name == request.node { return .allow("") }
            let what = attributes.name.isEmpty ? "all nodes" : "'\(attributes.name)'"
            return .pass("node '\(request.node)' cannot read \(what), only its own Node object")
        default: return .noOpinion
        }
    }

    private static let pod: Rule = { request in
        let attributes = request.attributes
        switch (attributes.subresource, attributes.verb) {
        case ("", "get"): return connected(request)
        case ("", "list"), ("", "watch"):
            if !attributes.name.isEmpty, case .allow = connected(request) { return .allow("") }
            return selected(request, by: "spec.nodeName", else: "can only list/watch pods with spec.nodeName field selector")
        // Mirror pods, and whose pods they are, admission looks at.
        case ("", "create"), ("", "delete"), ("status", "update"), ("status", "patch"), ("eviction", "create"): return .allow("")
        default: return .noOpinion
        }
    }

    private static let podCertificateRequest: Rule = { request in
        let attributes = request.attributes
        guard attributes.subresource.isEmpty else { return .pass("nodes may not access the status subresource of PodCertificateRequests") }
        switch attributes.verb {
        case "create": return .allow("")
        case "get": return connected(request)
        case "list", "watch":
            return selected(
                request, by: "spec.nodeName", else: "can only list/watch podcertificaterequests with nodeName field selector")
        default: return .pass("nodes may not \(attributes.verb) podcertificaterequests")
        }
    }

    // MARK: What they share

    private static let ownVerbs: Set = ["get", "create", "update", "patch", "delete"]

    /// The graph must lead from the node to the object.
    private static func connected(_ request: Request) -> Decision {
        let attributes = request.attributes
        guard !attributes.name.isEmpty else { return .pass("No Object name found") }
        let name = attributes.namespace.isEmpty ? attributes.name : "\(attributes.namespace)/\(attributes.name)"
        let key = RecordKey(collection: "\(attributes.group)/\(attributes.resource)", name: name)
        guard request.graph.leads(from: request.node, to: key) else {
            return .pass("no relationship found between node '\(request.node)' and this object")
        }
        return .allow("")
    }

    /// The object must have the node's name; that of a new one is not known yet.
    private static func named(_ request: Request, else reason: String) -> Decision {
        request.attributes.verb == "create" || request.attributes.name == request.node ? .allow("") : .pass(reason)
    }

    /// No more may be asked for than what is the node's.
    private static func selected(_ request: Request, by field: String, else reason: String) -> Decision {
        request.attributes.fieldSelector.requirements.contains { $0.field == field && $0.isEqual && $0.value == request.node }
            ? .allow("") : .pass(reason)
    }
}
