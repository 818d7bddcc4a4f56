public import APIModel
internal import PluginAPI

/// The API. Acts as the user `system:plugin:<name>` with the rules of the plugin's manifest. Every method blocks its thread until the API
/// has answered, and may be called from any thread. It throws `APIError` when the API refuses, `CancellationError` when the component is
/// being stopped. Write `""` for the namespace of a cluster-scoped kind.
public struct Objects: @unchecked Sendable {
    // Sendable because the host's table is constant and its functions may be called from any thread.
    let table: UnsafePointer<apus_host_objects>
    let context: UnsafeMutableRawPointer?

    /// The object, or `nil` when there is none. From the shared cache, so perhaps a moment old, when the manifest watches the kind; else
    /// fetched.
    public func get(_ resource: GroupVersionResource, namespace: String = "", name: String, subresource: String = "") throws -> Value? {
        try found { try call(resource, namespace, name, subresource) { table.pointee.get(context, $0, $1) } }
    }

    /// The object, or `nil` when there is none, from the API itself: for the question whether it is really gone.
    /// - Throws: `.notFound` where there is no such kind: of its objects nothing is said.
    public func fetch(_ resource: GroupVersionResource, namespace: String = "", name: String) throws -> Value? {
        do {
            return try call(resource, namespace, name, "") { table.pointee.fetch(context, $0, $1) }
        } catch let error as APIError where error.reason == .notFound && !error.details["name"].isNull {
            return nil
        }
    }

    /// Every object of a kind, `namespace` empty for all namespaces, that the label selector `a=b,c in (d,e)` and the field selector
    /// `spec.nodeName=n1` match; ordered by namespace and name. Of a kind that the manifest watches, `fields` asks for one value of a field
    /// that stands under the manifest's `indexes`, or for `metadata.name`.
    public func list(_ resource: GroupVersionResource, namespace: String = "", selector: String = "", fields: String = "") throws -> [Value]
    {
        try collect(resource, namespace) { ref, sink in
            selector.withBorrowed { selector in
                fields.withBorrowed { table.pointee.list(context, ref, selector, $0, sink) }
            }
        }
    }

    /// Every object of a kind that both selectors match, from the API itself: for the question whether there is really none.
    public func fetchList(_ resource: GroupVersionResource, namespace: String = "", selector: String = "", fields: String = "") throws
        -> [Value]
    {
        try collect(resource, namespace) { ref, sink in
            selector.withBorrowed { selector in
                fields.withBorrowed { table.pointee.fetch_list(context, ref, selector, $0, sink) }
            }
        }
    }

    /// Every cached object with an owner reference to `uid`, of one kind or of every kind the manifest watches.
    public func dependents(of uid: String, _ resource: GroupVersionResource? = nil) throws -> [Value] {
        try dependents(of: uid, resource, namespace: "", orphans: "")
    }

    /// Beside the dependents of one kind, the objects of a namespace that nobody controls and the selector matches, by name. The manifest
    /// must list the kind under `owns`.
    func dependents(of uid: String, _ resource: GroupVersionResource?, namespace: String, orphans: String) throws -> [Value] {
        try collect(resource, namespace) { ref, sink in
            uid.withBorrowed { uid in
                orphans.withBorrowed { table.pointee.dependents(context, ref, uid, $0, sink) }
            }
        }
    }

    /// Creates `object`; with a subresource, posts it to the object `name` there. Returns what the API answered.
    @discardableResult
    public func create(
        _ resource: GroupVersionResource, namespace: String = "", name: String = "", subresource: String = "", _ object: Value,
        with options: WriteOptions = WriteOptions()
    ) throws -> Value {
        try write(resource, namespace, name, subresource, object, options) { table.pointee.create(context, $0, $1, $2, $3) }
    }

    /// Replaces the object that `object` names; `.conflict` when its resourceVersion is not the newest.
    @discardableResult
    public func update(
        _ resource: GroupVersionResource, _ object: Value, subresource: String = "", with options: WriteOptions = WriteOptions()
    ) throws -> Value {
        let metadata = object["metadata"]
        return try write(
            resource, metadata["namespace"].string ?? "", metadata["name"].string ?? "", subresource, object, options
        ) { table.pointee.update(context, $0, $1, $2, $3) }
    }

    @discardableResult
    public func updateStatus(_ resource: GroupVersionResource, _ object: Value) throws -> Value {
        try update(resource, object, subresource: "status")
    }

    @discardableResult
    public func patch(
        _ resource: GroupVersionResource, namespace: String = "", name: String, subresource: String = "", _ kind: PatchKind = .merge,
        _ patch: Value, with options: WriteOptions = WriteOptions()
    ) throws -> Value {
        try write(resource, namespace, name, subresource, patch, options) {
            table.pointee.patch(context, $0, kind.rawValue, $1, $2, $3)
        }
    }

    /// Server-side apply: makes the object that `object` names, or brings what it says in line and leaves the rest; `.conflict` where
    /// another manager owns it. A host that cannot throws `.methodNotAllowed`.
    @discardableResult
    public func apply(
        _ resource: GroupVersionResource, _ object: Value, subresource: String = "", with options: WriteOptions = WriteOptions()
    ) throws -> Value {
        let metadata = object["metadata"]
        return try write(
            resource, metadata["namespace"].string ?? "", metadata["name"].string ?? "", subresource, object, options
        ) { table.pointee.apply(context, $0, $1, $2, $3) }
    }

    /// `deletion` is a `DeleteOptions`, or `.null`. An object that is gone already throws `.notFound`.
    @discardableResult
    public func delete(
        _ resource: GroupVersionResource, namespace: String = "", name: String, options deletion: Value = .null,
        with options: WriteOptions = WriteOptions()
    ) throws -> Value {
        try write(resource, namespace, name, "", deletion, options) { table.pointee.remove(context, $0, $1, $2, $3) }
    }

    /// Deletes every object of a kind, `namespace` empty for all namespaces, that both selectors match. `deletion` is a `DeleteOptions`, or
    /// `.null`. A refusal of one ends it: what was deleted until then stays deleted. A kind whose collections cannot be deleted throws
    /// `.methodNotAllowed`.
    public func deleteCollection(
        _ resource: GroupVersionResource, namespace: String = "", selector: String = "", fields: String = "",
        options deletion: Value = .null, with options: WriteOptions = WriteOptions()
    ) throws {
        _ = try selector.withBorrowed { selector in
            try fields.withBorrowed { fields in
                try answer(resource, namespace, "", "", sending: deletion, options) {
                    table.pointee.remove_collection(context, $0, selector, fields, $1, $2, $3)
                }
            }
        }
    }

    /// Records an Event about `object`. Repeats are counted. Never fails: an Event is a courtesy.
    public func event(_ object: Value, _ type: EventType, reason: String, message: String) {
        JSON.encode(object).withBorrowed { object in
            type.rawValue.withBorrowed { type in
                reason.withBorrowed { reason in message.withBorrowed { table.pointee.event(context, object, type, reason, $0) } }
            }
        }
    }

    public enum EventType: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    public struct PatchKind: Sendable {
        let rawValue: Int32
        public static let json = PatchKind(rawValue: APUS_PATCH_JSON)
        public static let merge = PatchKind(rawValue: APUS_PATCH_MERGE)
        public static let strategic = PatchKind(rawValue: APUS_PATCH_STRATEGIC)
    }
}

extension Objects {
    private func found(_ read: () throws -> Value) throws -> Value? {
        do { return try read() } catch let error as APIError where error.reason == .notFound { return nil }
    }

    /// Calls a slot that answers with one object or a `Status`.
    private func call(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ subresource: String,
        _ slot: (UnsafePointer<apus_object_ref>, UnsafePointer<apus_sink>) -> apus_status
    ) throws -> Value {
        try JSON.decode(answer(resource, namespace, name, subresource, slot))
    }

    /// What a slot answers, unless that is a refusal.
    private func answer(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ subresource: String,
        _ slot: (UnsafePointer<apus_object_ref>, UnsafePointer<apus_sink>) -> apus_status
    ) throws -> [UInt8] {
        let answer = Collector()
        let status = answer.collect { sink in withReference(resource, namespace, name, subresource) { slot($0, sink) } }
        guard status == APUS_OK else { throw refusal(status, answer.bytes) }
        return answer.bytes
    }

    /// Calls a slot that writes one object.
    private func write(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ subresource: String, _ body: Value,
        _ options: WriteOptions,
        _ slot: (UnsafePointer<apus_object_ref>, apus_borrowed, UnsafePointer<apus_write_options>?, UnsafePointer<apus_sink>) -> apus_status
    ) throws -> Value {
        try JSON.decode(answer(resource, namespace, name, subresource, sending: body, options, slot))
    }

    /// What a slot answers to a body. `.null` is sent as nothing at all.
    @discardableResult
    private func answer(
        _ resource: GroupVersionResource, _ namespace: String, _ name: String, _ subresource: String, sending body: Value,
        _ options: WriteOptions,
        _ slot: (UnsafePointer<apus_object_ref>, apus_borrowed, UnsafePointer<apus_write_options>?, UnsafePointer<apus_sink>) -> apus_status
    ) throws -> [UInt8] {
        try (body.isNull ? [] : JSON.encode(body)).withBorrowed { body in
            try answer(resource, namespace, name, subresource) { reference, sink in
                options.withC { slot(reference, body, $0, sink) }
            }
        }
    }

    /// Calls a slot that answers with many objects.
    private func collect(
        _ resource: GroupVersionResource?, _ namespace: String,
        _ slot: (UnsafePointer<apus_object_ref>, UnsafePointer<apus_object_sink>) -> apus_status
    ) throws -> [Value] {
        final class Items {
            var values: [Value] = []
            var error: (any Error)?
        }
        let items = Items()
        var sink = apus_object_sink(
            size: UInt32(MemoryLayout<apus_object_sink>.size), context: Unmanaged.passUnretained(items).toOpaque()
        ) { context, object in
            let items = instance(context, as: Items.self)
            do {
                items.values.append(try JSON.decode(object.array))
                return 0
            } catch {
                items.error = error
                return 1
            }
        }
        let status = withExtendedLifetime(items) { withReference(resource, namespace, "", "") { slot($0, &sink) } }
        if let error = items.error { throw error }
        guard status == APUS_OK else { throw refusal(status, []) }
        return items.values
    }

    private func withReference<R>(
        _ resource: GroupVersionResource?, _ namespace: String, _ name: String, _ subresource: String,
        _ body: (UnsafePointer<apus_object_ref>) -> R
    ) -> R {
        (resource?.description ?? "").withBorrowed { resource in
            namespace.withBorrowed { namespace in
                name.withBorrowed { name in
                    subresource.withBorrowed { subresource in
                        var reference = apus_object_ref(
                            size: UInt32(MemoryLayout<apus_object_ref>.size), resource: resource, namespace_: namespace, name: name,
                            subresource: subresource)
                        return body(&reference)
                    }
                }
            }
        }
    }

    /// The host's refusal as the API would word it. `bytes` is a `Status`; a slot that has no room for one answers with the status alone.
    private func refusal(_ status: apus_status, _ bytes: [UInt8]) -> any Error {
        if status == APUS_CANCELLED { return CancellationError() }
        let (code, reason): (Int, APIError.Reason) =
            switch status {
            case APUS_NOT_FOUND: (404, .notFound)
            case APUS_ALREADY_EXISTS: (409, .alreadyExists)
            case APUS_CONFLICT: (409, .conflict)
            case APUS_FORBIDDEN: (403, .forbidden)
            case APUS_INVALID: (422, .invalid)
            case APUS_UNAVAILABLE: (503, .serviceUnavailable)
            case APUS_UNSUPPORTED: (405, .methodNotAllowed)
            default: (500, .internalError)
            }
        if let object = try? JSON.decode(bytes), object["kind"].string == "Status" { return APIError(status: object, code: code) }
        let text = String(decoding: bytes, as: UTF8.self)
        return APIError(code: code, reason: reason, message: text.isEmpty ? "the host answered \(status)" : text)
    }
}
