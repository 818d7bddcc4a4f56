import APIModel
import Client
import Store

/// The API for the loops of this process: the registry without sockets and without encoding again. What it gives are the objects of the
/// store itself, shared by all.
final class InProcessClient: Client {
    private let server: APIServer
    private let user: UserInfo

    init(server: APIServer, user: UserInfo) {
        self.server = server
        self.user = user
    }

    private var registry: Registry { server.registry }

    /// Who answers for a resource where this server does not: the same as over HTTPS.
    private func elsewhere(_ resource: GroupVersionResource) -> WireClient? {
        guard server.aggregation.service(for: resource.groupVersion) != nil else { return nil }
        return WireClient(AggregationCarrier(server: server, user: user))
    }

    /// Checks that the user may, and finds what the verb is done to.
    private func target(
        _ verb: Verb, _ resource: GroupVersionResource, namespace: String?, name: String = "", subresource: String? = nil,
        query: ListQuery? = nil, in served: Served
    ) async throws -> Target {
        let subresource = subresource ?? ""
        var attributes = Attributes(
            user: user, verb: verb.rawValue, group: resource.group, resource: resource.resource, subresource: subresource,
            namespace: resource == .namespaces ? name : namespace ?? "", name: name)
        if let query { try attributes.narrow(by: query) }
        try await server.authorize(attributes)
        return try served.target(verb, resource, namespace: namespace ?? "", name: name, subresource: subresource)
    }

    /// Has the request done as HTTP's are.
    private func answer(
        _ verb: Verb, _ resource: GroupVersionResource, namespace: String?, name: String = "", subresource: String? = nil,
        query: ListQuery? = nil, options: WriteOptions = WriteOptions(), _ input: (Target, Served) throws -> Call.Input
    ) async throws -> (answer: Answer, target: Target) {
        let served = registry.served
        let target = try await target(verb, resource, namespace: namespace, name: name, subresource: subresource, query: query, in: served)
        let context = WriteContext(registry, served: served, user: user, options: options)
        return (
            try await server.handlers.answer(
                Call(verb: verb, target: target, input: try input(target, served), context: context)), target
        )
    }

    private func object(_ answered: (answer: Answer, target: Target)) async throws -> Object {
        switch answered.answer.content {
        case .record(let record): try await objects([record], answered.target.storage)[0]
        case .stored(let value): Object(try await answered.target.storage.fromStored(value, registry))
        case .value(let value): Object(value)
        case .list, .values, .watch, .response: throw APIError.internalError("one object was expected")
        }
    }

    /// The shared objects, unless they are asked for in another version than they are stored in.
    private func objects(_ records: [Record], _ storage: Storage) async throws -> [Object] {
        guard storage.isConverted else { return records.map(\.object) }
        try await storage.prepare(records, registry)
        return try records.map { Object(try storage.shown($0)) }
    }

    /// An object from a loop, made to be of its type as one from outside is.
    private func checked(_ object: Value, _ target: Target, _ served: Served) throws -> Value {
        let (kind, schema) = try target.bodyKind(served.kinds)
        var object = object
        object["apiVersion"] = .string(kind.groupVersion.description)
        object["kind"] = .string(kind.kind)
        _ = try Pruning.decode(&object, schema: schema, kind: kind)
        return object
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        if let other = elsewhere(resource) {
            return try await other.get(resource, namespace: namespace, name: name, subresource: subresource)
        }
        return try await object(
            try await answer(.get, resource, namespace: namespace, name: name, subresource: subresource) { _, _ in .none })
    }

    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        if let other = elsewhere(resource) { return try await other.list(resource, namespace: namespace, options: options) }
        let query = ListQuery(options)
        return try await self.list(try await answer(.list, resource, namespace: namespace, query: query) { _, _ in .query(query) })
    }

    private func list(_ answered: (answer: Answer, target: Target)) async throws -> ObjectList {
        switch answered.answer.content {
        case .list(let list):
            return ObjectList(
                items: try await objects(list.records, answered.target.storage), resourceVersion: String(list.revision),
                continueToken: list.continueToken)
        case .values(let values): return ObjectList(items: values.map { Object($0) }, resourceVersion: "")
        default: throw APIError.internalError("a list was expected")
        }
    }

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        if let other = elsewhere(resource) { return try await other.watch(resource, namespace: namespace, options: options) }
        let query = ListQuery(options)
        let (answer, target) = try await answer(.watch, resource, namespace: namespace, query: query) { _, _ in .query(query) }
        guard case .watch(let source) = answer.content else { throw APIError.internalError("a watch was expected") }
        let storage = target.storage
        if storage.type.custom != nil { server.aggregation.endWhenTaken(resource.groupVersion, source.watch) }
        let pending = PendingEvents(
            try await objects(source.takeInitial(), storage).map { WatchEvent(kind: .added, object: $0) })
        return WatchStream { [self] in
            while true {
                if let event = pending.pop() { return event }
                do {
                    guard let events = try await source.watch.next() else {
                        // Another server's objects have other versions.
                        if elsewhere(resource) != nil { throw Registry.expired("another server answers for \(resource) now") }
                        return nil
                    }
                    try await source.prepare(events, storage, registry)
                    let notices = events.compactMap(source.notice)
                    let shown = try await objects(notices.map(\.record), storage)
                    pending.append(zip(notices, shown).map { WatchEvent(kind: WatchEvent.Kind($0.change), object: $1) })
                } catch let error as StoreError {
                    throw Registry.error(error, target)
                }
            }
        }
    }

    func create(
        _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        if let other = elsewhere(resource) {
            return try await other.create(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
        return try await self.object(
            try await answer(
                .create, resource, namespace: namespace, name: name ?? "", subresource: subresource, options: options
            ) { .object(try checked(object, $0, $1)) })
    }

    func update(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
    ) async throws -> Object {
        if let other = elsewhere(resource) {
            return try await other.update(resource, namespace: namespace, name: name, subresource: subresource, object, options: options)
        }
        return try await self.object(
            try await answer(.update, resource, namespace: namespace, name: name, subresource: subresource, options: options) {
                .object(try checked(object, $0, $1))
            })
    }

    func patch(
        _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
        options: WriteOptions
    ) async throws -> Object {
        if let other = elsewhere(resource) {
            return try await other.patch(
                resource, namespace: namespace, name: name, subresource: subresource, kind, patch, options: options)
        }
        return try await object(
            try await answer(.patch, resource, namespace: namespace, name: name, subresource: subresource, options: options) { _, _ in
                .patch(ObjectPatch(kind: kind, content: patch))
            })
    }

    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        if let other = elsewhere(resource) { return try await other.delete(resource, namespace: namespace, name: name, options: options) }
        let deletion = try DeleteOptions(options)
        return try await object(
            try await answer(
                .delete, resource, namespace: namespace, name: name, options: WriteOptions(isDryRun: deletion.isDryRun)
            ) { _, _ in .deletion(deletion) })
    }

    func deleteCollection(_ resource: GroupVersionResource, namespace: String?, selection: ListOptions, options: Value) async throws
        -> ObjectList
    {
        if let other = elsewhere(resource) {
            return try await other.deleteCollection(resource, namespace: namespace, selection: selection, options: options)
        }
        let (query, deletion) = (ListQuery(selection), try DeleteOptions(options))
        return try await list(
            try await answer(
                .deletecollection, resource, namespace: namespace, query: query, options: WriteOptions(isDryRun: deletion.isDryRun)
            ) { _, _ in .deletions(query, deletion) })
    }

    /// The user must be allowed to impersonate; where it is not, every call of the client throws the refusal.
    func impersonating(_ user: String, groups: [String]) -> any Client {
        do {
            return InProcessClient(
                server: server, user: try Impersonation.become(UserInfo(name: user, groups: groups), real: self.user, server.authorizer))
        } catch {
            return RefusingClient(refusal: Responses.apiError(error))
        }
    }
}

extension WatchEvent.Kind {
    fileprivate init(_ change: WatchSource.Change) {
        switch change {
        case .added: self = .added
        case .modified: self = .modified
        case .deleted, .departed: self = .deleted
        }
    }
}

extension Attributes {
    /// As `RequestInfo` reads it from a request.
    fileprivate mutating func narrow(by query: ListQuery) throws {
        fieldSelector = try FieldSelector(parsing: query.fieldSelector)
        name = fieldSelector.required("metadata.name") ?? name
        labelSelector = query.labelSelector
    }
}

extension ListQuery {
    fileprivate init(_ options: ListOptions) {
        self.init()
        labelSelector = options.labelSelector
        fieldSelector = options.fieldSelector
        resourceVersion = options.resourceVersion
        limit = options.limit.flatMap { $0 > 0 ? $0 : nil }
        continueToken = options.continueToken
    }
}
