import APIModel
import Logging
import Store

/// All resources of the catalogue over one store: the one path that every read and write takes, whether it comes over HTTPS or from a loop
/// of this process.
///
/// Knows nothing of HTTP and does not authorize; both are its callers' part. Safe from any task.
final class Registry: Sendable {
    let catalogue: Catalogue
    let store: Store
    let services: ServiceAllocator
    let tokens: TokenSigner
    let rbac: RBACAuthorizer
    /// For the check that nobody hands out more than they have.
    let authorizer: any Authorizer
    let log: Logger
    private let storages: [GroupVersionResource: Storage]
    private let byCollection: [String: Storage]

    init(
        catalogue: Catalogue, store: Store, services: ServiceAllocator, tokens: TokenSigner, rbac: RBACAuthorizer,
        authorizer: any Authorizer, rootCA: String,
        validators: [GroupVersionResource: @Sendable (Value) -> [FieldError]], log: Logger
    ) {
        self.catalogue = catalogue
        self.store = store
        self.services = services
        self.tokens = tokens
        self.rbac = rbac
        self.authorizer = authorizer
        self.log = log
        let strategies = Strategies.byCollection(services: services, rbac: rbac, rootCA: rootCA)
        var storages: [GroupVersionResource: Storage] = [:]
        var byCollection: [String: Storage] = [:]
        for type in catalogue.resources where type.verbs.contains("get") && type.name != "componentstatuses" {
            let stored = Self.storageVersion(of: type, in: catalogue)
            let collection = "\(stored.group)/\(stored.name)"
            let storage = Storage(
                type: type, stored: stored, collection: collection, strategy: strategies[collection] ?? GenericStrategy(),
                conversion: Self.conversion(type),
                traits: Storage.traits(collection, type), validator: validators[type.groupVersionResource])
            storages[type.groupVersionResource] = storage
            if !storage.isConverted { byCollection[collection] = storage }
        }
        self.storages = storages
        self.byCollection = byCollection
    }

    /// `nil` for what is not stored, such as reviews.
    func storage(_ resource: GroupVersionResource) -> Storage? { storages[resource] }
    /// In the storage version.
    func storage(collection: String) -> Storage? { byCollection[collection] }

    /// The preferred version of the group that has the resource; the two groups of events share the core one.
    private static func storageVersion(of type: ResourceType, in catalogue: Catalogue) -> ResourceType {
        if type.group == "events.k8s.io", type.name == "events" { return catalogue.resource(.events) ?? type }
        let versions = catalogue.groups.first { $0.name == type.group }?.versions ?? []
        for version in versions {
            if let found = catalogue.resource(GroupVersionResource(group: type.group, version: version, resource: type.name)) {
                return found
            }
        }
        return type
    }

    private static func conversion(_ type: ResourceType) -> any Conversion {
        switch (type.group, type.version, type.name) {
        case ("events.k8s.io", _, "events"): EventConversion()
        case ("autoscaling", "v1", "horizontalpodautoscalers"): HorizontalPodAutoscalerConversion()
        default: SameFields()
        }
    }

    // MARK: Reading for strategies

    /// The newest state of an object of a built-in kind, writes in flight included.
    func latest(_ collection: String, namespace: String = "", name: String) -> Object? {
        store.latest(Key(collection: collection, name: namespace.isEmpty ? name : "\(namespace)/\(name)"))?.object
    }

    func all(_ collection: String, namespace: String? = nil) -> [Object] {
        ((try? store.list(collection, namespace: namespace))?.records ?? []).map(\.object)
    }

    // MARK: Errors

    /// What a store error means to a client.
    static func error(_ error: StoreError, _ target: Target) -> APIError {
        switch error.code {
        case .notFound: target.notFound
        case .exists: .alreadyExists(target.resource, target.name)
        case .conflict: target.conflict(conflictMessage)
        case .compacted: expired("The resourceVersion for the provided watch is too old.")
        case .future:
            APIError(
                code: 504, reason: .timeout, message: "Too large resource version",
                details: [
                    "causes": [["reason": "ResourceVersionTooLarge", "message": "Too large resource version"]], "retryAfterSeconds": 1,
                ])
        case .closed:
            APIError(code: 503, reason: .serviceUnavailable, message: "the server is shutting down", details: ["retryAfterSeconds": 1])
        case .engine: .internalError(error.message)
        }
    }

    static let conflictMessage = "the object has been modified; please apply your changes to the latest version and try again"
    static func expired(_ message: String) -> APIError { APIError(code: 410, reason: .expired, message: message) }
}
