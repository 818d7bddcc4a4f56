import APIModel
import Client
import Synchronization

/// Who writes, how, and by which rules: what everything on the way of one write is handed, and where it leaves its warnings.
final class WriteContext: Sendable {
    let registry: Registry
    /// The snapshot that this write uses from beginning to end.
    let served: Served
    let user: UserInfo
    let options: WriteOptions
    private let asked = Mutex(Verb.update)
    private let gathered = Mutex<[String]>([])
    private let notes = Mutex<[String: (value: String, level: AuditPolicy.Level)]>([:])

    init(_ registry: Registry, served: Served? = nil, user: UserInfo, options: WriteOptions = WriteOptions()) {
        self.registry = registry
        self.served = served ?? registry.served
        self.user = user
        self.options = options
    }

    var isDryRun: Bool { options.isDryRun }

    /// What the request does to an object that is there already: `update`, or `patch`.
    var verb: Verb {
        get { asked.withLock { $0 } }
        set { asked.withLock { $0 = newValue } }
    }

    /// For the client to see, once, whatever becomes of the write.
    func warn(_ text: String) {
        gathered.withLock { if !$0.contains(text) { $0.append(text) } }
    }

    /// - Parameter old: `nil` for a create.
    func warn(_ object: Value, old: Value?, _ target: Target) {
        for warning in ObjectWarnings.of(object, old: old, collection: target.storage.collection, subresource: target.subresource) {
            warn(warning)
        }
    }

    var warnings: [String] { gathered.withLock { $0 } }

    /// For the audit log, where it is written at that level or a higher one. The first note under a key stays.
    func annotate(_ key: String, _ value: String, since level: AuditPolicy.Level = .metadata) {
        notes.withLock { if $0[key] == nil { $0[key] = (value, level) } }
    }

    func auditAnnotations(at level: AuditPolicy.Level) -> [String: String] {
        notes.withLock { $0 }.filter { $0.value.level <= level }.mapValues(\.value)
    }

    /// Whether there is a note under that key.
    func isAnnotated(_ key: String) -> Bool { notes.withLock { $0[key] != nil } }

    /// Tells the client of fields that were not taken, a sentence each, or refuses them.
    func report(_ complaints: [String], kind: GroupVersionKind) throws {
        guard !complaints.isEmpty else { return }
        switch options.fieldValidation {
        case .ignore: return
        case .warn: for complaint in complaints { warn(complaint) }
        case .strict: throw Pruning.strictError(complaints, kind: kind)
        }
    }
}

extension WriteContext {
    /// For what a request turns out to do beside what it was authorized for.
    /// - Throws: 403.
    func authorize(_ verb: Verb, _ target: Target) async throws {
        try await registry.authorizer.require(
            Attributes(
                user: user, verb: verb.rawValue, group: target.type.group, resource: target.type.name, subresource: target.subresource,
                namespace: target.namespace, name: target.name))
    }
}
