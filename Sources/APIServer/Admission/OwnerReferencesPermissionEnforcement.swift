import APIModel

/// Who hangs an object under another must be able to delete it, and who would hold up the owner's deletion must have a say in that.
struct OwnerReferencesPermissionEnforcement: ValidatingMember {
    let name = "OwnerReferencesPermissionEnforcement"

    func concerns(collection: String) -> Bool { true }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        // The status and the binding of a pod leave owners as they are.
        guard request.operation == .create || request.operation == .update,
            request.target.storage.collection != "/pods" || !["status", "binding"].contains(request.target.subresource)
        else { return nil }
        let (target, before) = (request.target, request.old?["metadata"]["ownerReferences"].elements ?? [])
        let owners = object["metadata"]["ownerReferences"].elements
        guard owners != before else { return nil }
        if request.operation == .update {
            let deletion = Attributes(
                user: request.user, verb: "delete", group: target.type.group, resource: target.type.name, subresource: target.subresource,
                namespace: request.namespaceName, name: target.name)
            guard await request.registry.authorizer.allows(deletion) else {
                throw target.forbidden("cannot set an ownerRef on a resource you can't delete: , <nil>")
            }
        }
        let blocking = owners.filter { owner in
            owner["blockOwnerDeletion"].bool == true
                && before.first { $0["uid"] == owner["uid"] }?["blockOwnerDeletion"].bool != true
        }
        guard !blocking.isEmpty else { return nil }
        let anything = Attributes(user: request.user, verb: "update", group: "*", resource: "*", subresource: "finalizers", name: "*")
        if await request.registry.authorizer.allows(anything) { return nil }
        for owner in blocking { try await Self.check(owner, request) }
        return nil
    }

    private static func check(_ owner: Value, _ request: AdmissionRequest) async throws {
        guard let kind = GroupVersionKind(of: owner), let type = request.context.served.kinds.resource(kind) else {
            throw request.target.forbidden(
                "cannot set blockOwnerDeletion in this case because cannot find RESTMapping for APIVersion \(owner["apiVersion"].string ?? "") Kind \(owner["kind"].string ?? ""): no matches for kind"
            )
        }
        let finalizing = Attributes(
            user: request.user, verb: "update", group: type.group, resource: type.name, subresource: "finalizers",
            namespace: type.isNamespaced ? request.target.namespace : "", name: owner["name"].string ?? "")
        guard await request.registry.authorizer.allows(finalizing) else {
            throw request.target.forbidden(
                "cannot set blockOwnerDeletion if an ownerReference refers to a resource you can't set finalizers on: , <nil>")
        }
    }
}
