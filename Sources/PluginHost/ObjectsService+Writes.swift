internal import APIModel
internal import Client
internal import PluginAPI

// The slots that write, in the header's order.
extension ObjectsService {
    func create(_ call: Call) -> CallResult {
        write(call, body: 2) { client, target, object, options in
            guard options.preconditions == WriteOptions.Preconditions() else {
                throw APIError.badRequest("what is not there yet has neither a uid nor a resourceVersion: create takes none")
            }
            return try await client.create(
                target.resource, namespace: target.namespace, name: target.name.isEmpty ? nil : target.name,
                subresource: target.subresource, object, options: try options.unforced)
        }
    }

    func update(_ call: Call) -> CallResult {
        write(call, body: 2) { client, target, object, options in
            try await client.update(
                target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, object,
                options: try options.unforced)
        }
    }

    func patch(_ call: Call) -> CallResult {
        let number = call.frame.int32(2)
        return write(call, body: 3) { client, target, patch, options in
            guard let kind = Self.patchKinds[number] else { throw APIError.badRequest("there is no patch of kind \(number)") }
            guard kind != .json || options.preconditions == WriteOptions.Preconditions() else {
                throw APIError.badRequest("a JSON patch says by test what must be so: it takes neither a uid nor a resourceVersion")
            }
            return try await client.patch(
                target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, kind, patch,
                options: try options.unforced)
        }
    }

    private static let patchKinds: [Int32: PatchKind] = [
        APUS_PATCH_JSON: .json, APUS_PATCH_MERGE: .merge, APUS_PATCH_STRATEGIC: .strategicMerge,
    ]

    /// A patch of a kind of its own: the server merges, and says what it thinks of it.
    func apply(_ call: Call) -> CallResult {
        write(call, body: 2) { client, target, object, options in
            try await client.patch(
                target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, .apply, object,
                options: options)
        }
    }

    func remove(_ call: Call) -> CallResult {
        write(call, body: 2) { client, target, deletion, options in
            try await client.delete(
                target.resource, namespace: target.namespace, name: target.name, options: try options.unforced.deletion(deletion))
        }
    }

    func removeCollection(_ call: Call) -> CallResult {
        let selection = ListOptions(labelSelector: call.frame.string(2), fieldSelector: call.frame.string(3))
        return write(call, body: 4) { services, target, deletion, options in
            guard target.name.isEmpty, target.subresource == nil else {
                throw APIError.badRequest("a collection has neither a name nor a sub-resource")
            }
            guard options.preconditions == WriteOptions.Preconditions() else {
                throw APIError.badRequest("the objects of a collection have no uid or resourceVersion in common: its deletion takes none")
            }
            let deleted = try await services.client.deleteCollection(
                target.resource, namespace: target.namespace, selection: selection, options: try options.unforced.deletion(deletion))
            if self.watches(target.resource), !options.isDryRun { await self.note(deleted, target, services) }
            return []
        }
    }

    /// A write of one object, whose answer says what became of it.
    private func write(
        _ call: Call, body: Int, _ send: @escaping @Sendable (any Client, Target, Value, WriteOptions) async throws -> Object
    ) -> CallResult {
        write(call, body: body) { services, target, value, options in
            let answer = try await send(services.client, target, value, options)
            if self.watches(target.resource), !options.isDryRun { await self.note(answer, target, services) }
            return answer.bytes
        }
    }

    /// Decodes the argument at `body` (empty is `.null`), has `send` do it and writes the answer. The options stand behind the body, and
    /// behind those the sink.
    private func write(
        _ call: Call, body: Int, _ send: @escaping @Sendable (Services, Target, Value, WriteOptions) async throws -> [UInt8]
    ) -> CallResult {
        let bytes = call.frame.bytes(body)
        return answer(call, sink: body + 2) { services in
            let target = try Target(call.frame)
            let options = try WriteOptions(call.frame.optionalPointer(body + 1, to: apus_write_options.self)?.pointee)
            let value: Value
            do {
                value = try bytes.isEmpty ? .null : JSON.decode(bytes)
            } catch {
                throw APIError.badRequest("the object is not JSON: \(error)")
            }
            return try self.calls.wait { try await send(services, target, value, options) }
        }
    }

    /// Notes what a write answered, so that reads wait until the cache has it.
    private func note(_ answer: Object, _ target: Target, _ services: Services) async {
        guard answer.value["kind"].string == "Status" else { return writes.note(answer, of: target.resource) }
        func noteEnd(of uid: String) {
            writes.note(
                endOf: [.init(namespace: target.namespace, name: target.name, uid: uid)], target.resource, services.cache)
        }
        guard target.subresource != nil else { return noteEnd(of: answer.value["details"]["uid"].string ?? "") }
        // An eviction or a binding does not say what became of the object.
        let cached = services.cache.get(target.resource, namespace: target.namespace, name: target.name)
        do {
            writes.note(try await services.own.get(target.resource, namespace: target.namespace, name: target.name), of: target.resource)
        } catch let error as APIError where error.reason == .notFound {
            noteEnd(of: cached?.uid ?? "")
        } catch {
            // Without the API nothing can be promised of it.
        }
    }

    /// Notes what became of each object of a collection: the answer has them as they were.
    private func note(_ deleted: ObjectList, _ target: Target, _ services: Services) async {
        guard !deleted.items.isEmpty,
            let left = try? await services.own.list(target.resource, namespace: target.namespace)
        else { return }
        let leftByUID = Dictionary(left.items.map { ($0.uid, $0) }, uniquingKeysWith: { first, _ in first })
        // Also what it was before must have been seen, or an object that the cache does not know yet would seem to be gone.
        for object in deleted.items { writes.note(leftByUID[object.uid] ?? object, of: target.resource) }
        let gone = deleted.items.filter { leftByUID[$0.uid] == nil }.map {
            OwnWrites.Gone(namespace: $0.value["metadata"]["namespace"].string, name: $0.name, uid: $0.uid)
        }
        writes.note(endOf: gone, target.resource, services.cache)
    }
}

extension WriteOptions {
    /// `deletion`, a `DeleteOptions`, and what these say in its place.
    fileprivate func deletion(_ deletion: Value) -> Value {
        var deletion = deletion
        if isDryRun { deletion["dryRun"] = ["All"] }
        if let uid = preconditions.uid { deletion["preconditions"]["uid"] = .string(uid) }
        if let version = preconditions.resourceVersion { deletion["preconditions"]["resourceVersion"] = .string(version) }
        return deletion
    }

    fileprivate init(_ options: apus_write_options?) throws(APIError) {
        self.init()
        guard let options else { return }
        let unknown = options.flags & ~(APUS_WRITE_DRY_RUN | APUS_WRITE_FORCE | APUS_WRITE_STRICT)
        guard unknown == 0 else { throw APIError.badRequest("there are no write options with the flags \(unknown)") }
        fieldManager = options.field_manager.string
        isDryRun = options.flags & APUS_WRITE_DRY_RUN != 0
        force = options.flags & APUS_WRITE_FORCE != 0 ? true : nil
        fieldValidation = options.flags & APUS_WRITE_STRICT != 0 ? .strict : .ignore
        preconditions = Preconditions(
            uid: options.uid.count == 0 ? nil : options.uid.string,
            resourceVersion: options.resource_version.count == 0 ? nil : options.resource_version.string)
    }

    /// For everything but apply.
    fileprivate var unforced: WriteOptions {
        get throws(APIError) {
            guard force == nil else { throw APIError.badRequest("only apply can force anything") }
            return self
        }
    }
}
