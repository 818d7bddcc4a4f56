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
    private var operations: Operations { server.operations }

    /// Finds the resource and checks that the user may.
    private func type(
        _ verb: String, _ resource: GroupVersionResource, namespace: String?, name: String = "", subresource: String? = nil
    ) throws -> ResourceType {
        let subresource = subresource ?? ""
        try server.authorize(
            Attributes(
                user: user, verb: verb, group: resource.group, resource: resource.resource, subresource: subresource,
                namespace: resource == .namespaces ? name : namespace ?? "", name: name))
        return try operations.resolve(resource, namespace: namespace ?? "", name: name, subresource: subresource, verb: verb).type
    }

    private func object(_ answer: Answer, _ type: ResourceType) throws -> Object {
        switch answer.content {
        case .record(let record): try object(record, type)
        case .stored(let value): Object(try storage(type).fromStored(value))
        case .value(let value): Object(value)
        }
    }

    private func storage(_ type: ResourceType) throws -> Storage {
        guard let storage = registry.storage(type.groupVersionResource) else { throw Operations.unknownResource }
        return storage
    }

    /// The shared object, unless it is asked for in another version than it is stored in.
    private func object(_ record: Record, _ type: ResourceType) throws -> Object {
        let storage = try storage(type)
        return storage.isConverted ? Object(storage.fromStored(record.object.value)) : record.object
    }

    private var write: Write { Write(registry, user: user) }

    /// An object from a loop, made to be of its type as one from outside is.
    private func checked(_ object: Value, _ type: ResourceType, subresource: String?) throws -> Value {
        let kind = subresource.flatMap { type.subresource($0)?.kind } ?? type.groupVersionKind
        guard let schema = kind == type.groupVersionKind ? type.schema.schema : registry.catalogue.type(of: kind) else {
            throw Operations.unknownResource
        }
        var object = object
        object["apiVersion"] = .string(kind.groupVersion.description)
        object["kind"] = .string(kind.kind)
        _ = try Pruning.decode(&object, schema: schema, kind: kind)
        return object
    }

    func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
        let type = try type("get", resource, namespace: namespace, name: name, subresource: subresource)
        return try object(try await operations.get(type, namespace: namespace ?? "", name: name, subresource: subresource ?? ""), type)
    }

    func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
        let type = try type("list", resource, namespace: namespace)
        if resource == ComponentStatuses.resource {
            return ObjectList(items: await operations.components.list().map { Object($0) }, resourceVersion: "")
        }
        let list = try registry.list(try operations.target(type, namespace: namespace ?? "", name: ""), ListQuery(options))
        return ObjectList(
            items: try list.records.map { try object($0, type) }, resourceVersion: String(list.revision), continueToken: list.continueToken)
    }

    func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
        let type = try type("watch", resource, namespace: namespace)
        let target = try operations.target(type, namespace: namespace ?? "", name: "")
        let source = try WatchSource(registry, target, ListQuery(options))
        let pending = PendingEvents(try source.initial.map { WatchEvent(kind: .added, object: try object($0, type)) })
        return WatchStream { [self] in
            while true {
                if let event = pending.pop() { return event }
                do {
                    guard let events = try await source.watch.next() else { return nil }
                    pending.append(
                        try events.compactMap { event in
                            guard let change = source.change(event) else { return nil }
                            return WatchEvent(kind: WatchEvent.Kind(change), object: try object(event.record, type))
                        })
                } catch let error as StoreError {
                    throw Registry.error(error, target)
                }
            }
        }
    }

    func create(_ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value) async throws
        -> Object
    {
        let type = try type("create", resource, namespace: namespace, name: name ?? "", subresource: subresource)
        let checked = try checked(object, type, subresource: subresource)
        return try self.object(
            try await operations.create(type, namespace: namespace ?? "", name: name ?? "", subresource: subresource ?? "", checked, write),
            type)
    }

    func update(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value) async throws
        -> Object
    {
        let type = try type("update", resource, namespace: namespace, name: name, subresource: subresource)
        let checked = try checked(object, type, subresource: subresource)
        return try self.object(
            try await operations.update(type, namespace: namespace ?? "", name: name, subresource: subresource ?? "", checked, write), type)
    }

    func patch(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value)
        async throws -> Object
    {
        let type = try type("patch", resource, namespace: namespace, name: name, subresource: subresource)
        let write = write
        let patch = ObjectPatch(kind: kind, content: patch, fields: FieldChecks(mode: .ignore, write: write))
        return try object(
            try await operations.patch(type, namespace: namespace ?? "", name: name, subresource: subresource ?? "", patch, write), type)
    }

    func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
        let type = try type("delete", resource, namespace: namespace, name: name)
        let target = try operations.target(type, namespace: namespace ?? "", name: name)
        let isDryRun = try BodyReader.dryRun(options["dryRun"].elements.compactMap(\.string))
        return try object(
            try await registry.delete(target, DeleteOptions(options), Write(registry, user: user, effect: isDryRun ? .dryRun : .commit)),
            type)
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
        case .deleted: self = .deleted
        }
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
