import APIModel

/// Which requests concern one webhook or policy: its rules and selectors.
struct RequestMatcher: Sendable {
    private let rules: [ResourceRule]
    private let excluded: [ResourceRule]
    /// Whether no rules at all stand for every request, as in a binding.
    private let isOpen: Bool
    private let isEquivalent: Bool
    private let namespaces: LabelSelector
    private let objects: LabelSelector

    /// - Parameters:
    ///   - match: the fields `matchPolicy`, `namespaceSelector`, `objectSelector`, `excludeResourceRules`, and the rules.
    ///   - rules: the name of the field with the rules.
    /// - Throws: for a selector that is none.
    init(_ match: Value, rules field: String, isOpen: Bool = false) throws(APIError) {
        rules = match[field].elements.map(ResourceRule.init)
        excluded = match["excludeResourceRules"].elements.map(ResourceRule.init)
        self.isOpen = isOpen && rules.isEmpty
        isEquivalent = match["matchPolicy"].string != "Exact"
        namespaces = match["namespaceSelector"].isNull ? .everything : try LabelSelector(match["namespaceSelector"])
        objects = match["objectSelector"].isNull ? .everything : try LabelSelector(match["objectSelector"])
    }

    /// By which group and version the request is to be shown, `nil` when it is not concerned.
    ///
    /// - Throws: 404 when the namespace is gone whose labels are asked for.
    func matches(_ object: Value, _ request: AdmissionRequest) throws -> Storage? {
        guard find(excluded, request) == nil else { return nil }
        guard let found = isOpen ? request.target.storage : find(rules, request) else { return nil }
        guard try isNamespaceSelected(object, request), isSelected(object) || isSelected(request.old ?? .null) else { return nil }
        return found
    }

    /// The resource as it was asked for where a rule names it, or else another group or version of the same objects.
    private func find(_ rules: [ResourceRule], _ request: AdmissionRequest) -> Storage? {
        if rules.isEmpty { return nil }
        let own = request.target.storage
        if rules.contains(where: { $0.matches(request, as: own.type.groupVersionResource) }) { return own }
        guard isEquivalent else { return nil }
        let others = request.context.served.storages(of: own.collection).filter {
            $0.type.groupVersionResource != own.type.groupVersionResource
        }
        for rule in rules {
            if let found = others.first(where: { rule.matches(request, as: $0.type.groupVersionResource) }) { return found }
        }
        return nil
    }

    private func isSelected(_ object: Value) -> Bool {
        objects.isEmpty || (!object["metadata"].isNull && objects.matches(labelsOf: object))
    }

    private func isNamespaceSelected(_ object: Value, _ request: AdmissionRequest) throws -> Bool {
        let name = request.namespaceName
        guard !namespaces.isEmpty, !name.isEmpty else { return true }
        if request.target.storage.collection == "/namespaces", request.isOfObject,
            request.operation == .create || request.operation == .update
        {
            return namespaces.matches(labelsOf: object)
        }
        guard let namespace = request.registry.latest("/namespaces", name: name) else { throw APIError.notFound("namespaces", name) }
        return namespaces.matches(labelsOf: namespace.value)
    }
}

extension AdmissionRequest {
    /// The namespace it is about; that of a Namespace is itself.
    var namespaceName: String { target.storage.collection == "/namespaces" ? target.name : target.namespace }

    /// Whether what is written is of the resource's own kind, and not a Binding, an Eviction or the options of a connection.
    private var isOfOwnKind: Bool {
        operation != .connect && (target.subresource.isEmpty || kind(target.storage) == target.storage.type.groupVersionKind)
    }

    /// The kind of what is written, for one who knows the resource by `storage`'s version.
    func kind(_ storage: Storage) -> GroupVersionKind {
        storage.type.subresource(target.subresource)?.kind ?? storage.type.groupVersionKind
    }

    /// What is written, or what was there, in `storage`'s version; `.null` stays so.
    func shown(_ object: Value, as storage: Storage) async throws -> Value {
        guard !object.isNull else { return .null }
        var object = isOfOwnKind ? try await storage.fromStored(object, registry) : object
        let kind = kind(storage)
        if object["kind"].isNull { object["kind"] = .string(kind.kind) }
        if object["apiVersion"].isNull { object["apiVersion"] = .string(kind.groupVersion.description) }
        return object
    }

    /// What somebody made of a shown object, as it is stored: without fields that the kind does not have, with its defaults, and still the
    /// object that it was.
    func taken(_ changed: Value, for before: Value, as storage: Storage) async throws -> Value {
        var object = changed
        guard isOfOwnKind else {
            if let schema = context.served.kinds.type(of: kind(storage)) {
                _ = try Pruning.decode(&object, schema: schema, kind: kind(storage))
            }
            return object
        }
        _ = try Pruning.decode(&object, schema: storage.type.schema.schema, kind: storage.type.groupVersionKind)
        for field in Self.identity { object["metadata"][field] = before["metadata"][field] }
        return try await registry.complete(object, storage)
    }

    private static let identity = [
        "name", "generateName", "namespace", "uid", "resourceVersion", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "generation",
    ]
}
