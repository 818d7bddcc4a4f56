import APIModel

/// Every operation on every resource, its subresources and the virtual ones, for HTTP and for the loops of this process alike.
///
/// Callers have authorized. Safe from any task.
struct Operations: Sendable {
    let registry: Registry
    let reviews: AccessReviews
    let components: ComponentStatuses

    static let unknownResource = APIError(
        code: 404, reason: .notFound, message: "the server could not find the requested resource", details: .emptyObject)

    /// - Throws: 404 for what is not served, 405 for a verb that the resource does not have.
    func resolve(_ resource: GroupVersionResource, namespace: String, name: String, subresource: String, verb: String) throws -> (
        type: ResourceType, subresource: ResourceType.Subresource?
    ) {
        guard let type = registry.catalogue.resource(resource) else { throw Self.unknownResource }
        var verbs = type.verbs
        var found: ResourceType.Subresource?
        if !subresource.isEmpty {
            found = type.subresource(subresource)
            guard let found else { throw Self.unknownResource }
            verbs = found.verbs
        }
        let isCollection = verb == "list" || verb == "watch" || verb == "deletecollection"
        // A collection is created into, an object is changed.
        let fits = subresource.isEmpty && verb != "watch" ? name.isEmpty == (isCollection || verb == "create") : true
        guard verbs.contains(verb), fits else {
            throw APIError(
                code: 405, reason: .methodNotAllowed, message: "the server does not allow this method on the requested resource",
                details: .emptyObject)
        }
        if type.isNamespaced, namespace.isEmpty, !(isCollection && verb != "deletecollection"),
            resource.resource != "bindings" || !name.isEmpty
        {
            throw Self.unknownResource
        }
        if !type.isNamespaced, !namespace.isEmpty, type.name != "namespaces" { throw Self.unknownResource }
        return (type, found)
    }

    func target(_ type: ResourceType, namespace: String, name: String, subresource: String = "") throws -> Target {
        guard let storage = registry.storage(type.groupVersionResource) else { throw Self.unknownResource }
        return Target(storage: storage, namespace: type.isNamespaced ? namespace : "", name: name, subresource: subresource)
    }

    func get(_ type: ResourceType, namespace: String, name: String, subresource: String) async throws -> Answer {
        if type.groupVersionResource == ComponentStatuses.resource { return Answer(.value(try await components.get(name))) }
        let target = try target(type, namespace: namespace, name: name, subresource: subresource)
        let record = try registry.get(target)
        return subresource == "scale" ? Answer(.value(try Scale.read(record.object.value))) : Answer(.record(record))
    }

    func create(_ type: ResourceType, namespace: String, name: String, subresource: String, _ object: Value, _ write: Write) async throws
        -> Answer
    {
        switch (type.group, type.name, subresource) {
        case ("", "pods", "binding"):
            return try await PodBinding.bind(target(type, namespace: namespace, name: name, subresource: subresource), object, write)
        case ("", "bindings", ""):
            guard let pods = registry.catalogue.resource(.pods), let name = object[path: "metadata", "name"].string, !name.isEmpty else {
                throw APIError.badRequest("name is required")
            }
            return try await PodBinding.bind(target(pods, namespace: namespace, name: name, subresource: "binding"), object, write)
        case ("", "pods", "eviction"):
            return try await PodEviction.evict(target(type, namespace: namespace, name: name, subresource: subresource), object, write)
        case ("", "serviceaccounts", "token"):
            return try ServiceAccountToken.issue(target(type, namespace: namespace, name: name, subresource: subresource), object, write)
        case (_, _, ""):
            if let answer = try await reviews.answer(type, namespace: namespace, object, user: write.user) {
                return Answer(.value(answer), code: 201)
            }
            return try await registry.create(target(type, namespace: namespace, name: ""), object, write)
        default: throw Self.unknownResource
        }
    }

    func update(_ type: ResourceType, namespace: String, name: String, subresource: String, _ object: Value, _ write: Write) async throws
        -> Answer
    {
        let target = try target(type, namespace: namespace, name: name, subresource: subresource)
        if subresource == "scale" { return try await Scale.write(target, write) { _ in object } }
        return try await registry.update(target, object, write)
    }

    func patch(_ type: ResourceType, namespace: String, name: String, subresource: String, _ patch: ObjectPatch, _ write: Write)
        async throws -> Answer
    {
        let target = try target(type, namespace: namespace, name: name, subresource: subresource)
        guard subresource == "scale" else { return try await registry.patch(target, patch, write) }
        guard let schema = registry.catalogue.type(of: Scale.kind) else { throw Self.unknownResource }
        return try await Scale.write(target, write) { try patch.apply(to: $0, schema: schema, as: Scale.kind) }
    }
}
