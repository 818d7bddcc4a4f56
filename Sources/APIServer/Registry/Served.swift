import APIModel

/// What the API serves at one moment: the kinds, and for each how its objects are stored and by which rules they are written.
///
/// A request takes the newest one when it comes in and uses it to its end. Never changes once made; safe from any task.
final class Served: Sendable {
    let kinds: Kinds
    private let storages: [GroupVersionResource: Storage]
    private let byCollection: [String: Storage]
    private let versions: [String: [Storage]]

    init(
        _ kinds: Kinds, strategies: [String: any Strategy], admission: [any AdmissionMember], validators: Registry.Validators,
        rules: [GroupVersionResource: CustomRules]
    ) {
        self.kinds = kinds
        var storages: [GroupVersionResource: Storage] = [:]
        var byCollection: [String: Storage] = [:]
        var versions: [String: [Storage]] = [:]
        for type in kinds.resources {
            let stored = kinds.stored(type)
            let storage = Storage(
                type, stored: stored, strategies: strategies, conversion: Self.conversion(type),
                validator: validators[type.groupVersionResource], rules: rules[stored.groupVersionResource], admission: admission)
            storages[type.groupVersionResource] = storage
            if type.groupVersion == stored.groupVersion { byCollection[storage.collection] = storage }
            versions[storage.collection, default: []].append(storage)
        }
        self.storages = storages
        self.byCollection = byCollection
        self.versions = versions
    }

    func storage(_ resource: GroupVersionResource) -> Storage? { storages[resource] }
    /// In the storage version.
    func storage(collection: String) -> Storage? { byCollection[collection] }
    /// By every group and version that shows the objects of the collection.
    func storages(of collection: String) -> [Storage] { versions[collection] ?? [] }

    private static func conversion(_ type: ResourceType) -> any Conversion {
        if type.custom != nil { return CustomConversion(type: type) }
        return switch (type.group, type.version, type.name) {
        case ("events.k8s.io", _, "events"): EventConversion()
        case ("autoscaling", "v1", "horizontalpodautoscalers"): HorizontalPodAutoscalerConversion()
        default: SameFields()
        }
    }

    // MARK: Finding what a request is about

    /// What `verb` on the resource or its subresource is done to.
    ///
    /// - Throws: 404 for what is not served, 405 for a verb that the resource does not have.
    func target(
        _ verb: Verb, _ resource: GroupVersionResource, namespace: String, name: String, subresource: String = ""
    ) throws -> Target {
        guard let storage = storages[resource] else { throw APIError.unknownResource }
        let type = storage.type
        var verbs = type.verbs
        if !subresource.isEmpty {
            guard let found = type.subresource(subresource) else {
                throw type.custom == nil ? APIError.unknownResource : .notFound(type.qualifiedName, name)
            }
            verbs = found.verbs
        }
        if type.isNamespaced, namespace.isEmpty, !name.isEmpty { throw APIError.unknownResource }
        guard verbs.contains(verb.rawValue), Self.fits(verb, name: name, subresource: subresource) else {
            throw APIError.methodNotAllowed
        }
        guard type.isNamespaced else {
            guard namespace.isEmpty || resource == .namespaces else { throw APIError.unknownResource }
            return Target(storage: storage, namespace: "", name: name, subresource: subresource)
        }
        if namespace.isEmpty, verb != .list, verb != .watch { throw APIError.unknownResource }
        return Target(storage: storage, namespace: namespace, name: name, subresource: subresource)
    }

    /// A collection is created into, an object is changed.
    private static func fits(_ verb: Verb, name: String, subresource: String) -> Bool {
        guard subresource.isEmpty, verb != .watch else { return true }
        return name.isEmpty == (verb.isOfCollection || verb == .create)
    }
}

extension APIError {
    static let unknownResource = APIError(
        code: 404, reason: .notFound, message: "the server could not find the requested resource", details: .emptyObject)
}
