import APIModel
import Client
import Logging
import Store
import Synchronization

/// All resources of the catalogue over one store: the one path that every read and write takes, whether it comes over HTTPS or from a loop
/// of this process.
///
/// Knows nothing of HTTP and does not authorize; both are its callers' part. Safe from any task.
final class Registry: Sendable {
    /// Checks of a kind that only the host can make, by resource.
    typealias Validators = [GroupVersionResource: @Sendable (Value) -> [FieldError]]

    let store: Store
    let services: ServiceAllocator
    let tokens: TokenSigner
    let rbac: RBACAuthorizer
    /// For the check that nobody hands out more than they have.
    let authorizer: AuthorizerChain
    let log: Logger
    /// For the conversion of custom kinds.
    let webhooks: WebhookClient
    /// The objects over which the process ended more than once.
    let quarantine: Quarantine
    /// How many requirements a selector may have, with their values.
    let selectorLimit: Int
    /// How records are kept. `nil`: as they are.
    let encryption: EncryptionAtRest?
    let admissionMetrics = AdmissionMetrics()
    let storageMetrics = StorageMetrics()
    private let strategies: [String: any Strategy]
    private let admission: [any AdmissionMember]
    private let validators: Validators
    private let current: Mutex<Served>

    init(
        kinds: Kinds, store: Store, services: ServiceAllocator, tokens: TokenSigner, rbac: RBACAuthorizer,
        authorizer: AuthorizerChain, admission: [any AdmissionMember], webhooks: WebhookClient, rootCA: String, validators: Validators,
        selectorLimit: Int, quarantine: Quarantine, encryption: EncryptionAtRest?, log: Logger
    ) {
        self.store = store
        self.encryption = encryption
        self.services = services
        self.tokens = tokens
        self.rbac = rbac
        self.authorizer = authorizer
        self.log = log
        self.webhooks = webhooks
        self.selectorLimit = selectorLimit
        self.quarantine = quarantine
        self.validators = validators
        strategies = Strategies.byCollection(services: services, rbac: rbac, rootCA: rootCA)
        self.admission = admission + [ServiceAllocation(allocator: services)]
        current = Mutex(Served(kinds, strategies: strategies, admission: self.admission, validators: validators, rules: [:]))
    }

    /// The newest snapshot of what is served.
    var served: Served { current.withLock { $0 } }

    /// Serves other kinds from now on. Requests under way go on with those they began with.
    func serve(_ kinds: Kinds, rules: [GroupVersionResource: CustomRules]) {
        let next = Served(kinds, strategies: strategies, admission: admission, validators: validators, rules: rules)
        current.withLock { if next.kinds.version > $0.kinds.version { $0 = next } }
    }

    // MARK: Reading for strategies

    /// The newest state of an object of a built-in kind.
    func latest(_ collection: String, namespace: String = "", name: String) -> Object? {
        store.get(RecordKey(collection: collection, name: namespace.isEmpty ? name : "\(namespace)/\(name)"))?.object
    }

    /// The newest states of a collection's objects.
    /// - Parameter terms: those that have all of them are there; others may be, too.
    func all(_ collection: String, namespace: String? = nil, terms: [Term] = []) -> [Object] {
        ((try? store.list(collection, namespace: namespace, terms: terms))?.records ?? []).map(\.object)
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
