public import APIModel
internal import PluginAPI
internal import Synchronization

/// A host in memory, for an author's own tests: objects that a controller reads and writes through `host`, and what it logged.
///
/// It keeps objects as they are written; the API's own rules (defaults, validation, the manifest's rights) are not here: `apus plugin test`
/// tries the library against a real API server.
///
/// ```swift
/// let test = TestHost([["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "blue"]]])
/// let controller = try MyController(test.host, config: [:])
/// _ = try controller.reconcile(Key(resource: "v1/namespaces", name: "blue"))
/// assert(test[.namespaces, name: "blue"]?["metadata"]["labels"]["seen"].string == "true")
/// ```
public final class TestHost: Sendable {
    private struct Name: Hashable, Comparable {
        var resource: GroupVersionResource
        var namespace: String
        var name: String
        static func < (left: Name, right: Name) -> Bool { (left.namespace, left.name) < (right.namespace, right.name) }
    }

    private struct State {
        var objects: [Name: Value] = [:]
        var version = 0
        var writes = 0
        var log: [String] = []
        var events: [String] = []
    }

    private let state = Mutex(State())
    let kinds = Mutex(TestKinds())

    /// - Precondition: the objects are of built-in kinds. For others there is `put`.
    public init(_ objects: [Value] = []) {
        for object in objects {
            guard let type = GroupVersionKind(of: object).flatMap(Catalogue.builtin.resource) else {
                preconditionFailure(
                    "no built-in kind \(object["kind"].string ?? "") in \(object["apiVersion"].string ?? "no version"): use put")
            }
            put(type.groupVersionResource, object)
        }
    }

    /// What to hand to a component, which may outlive the test's own use of this object.
    public var host: Host {
        Host(
            log: Log(table: Self.log.pointer, context: context), objects: Objects(table: Self.objects.pointer, context: context),
            kinds: HostKinds(table: TestKinds.table.pointer, context: context))
    }

    /// The object as it is now, `nil` when there is none.
    public subscript(resource: GroupVersionResource, namespace namespace: String = "", name name: String) -> Value? {
        state.withLock { $0.objects[Name(resource: resource, namespace: namespace, name: name)] }
    }

    /// Puts an object in place, as somebody else than the component would.
    public func put(_ resource: GroupVersionResource, _ object: Value) {
        state.withLock { _ = Self.store(&$0, Self.name(resource, object), object) }
    }

    /// How often the component wrote: a controller that has nothing to do writes nothing.
    public var writes: Int { state.withLock { $0.writes } }
    /// `info: labelled blue`
    public var logged: [String] { state.withLock { $0.log } }
    /// `Normal Labelled: …`
    public var events: [String] { state.withLock { $0.events } }

    /// Kept for ever: a component's threads may call for as long, and the test's variable ends with its last use.
    private var context: UnsafeMutableRawPointer { Unmanaged.passRetained(self).toOpaque() }

    private static func name(_ resource: GroupVersionResource, _ object: Value) -> Name {
        Name(resource: resource, namespace: object["metadata"]["namespace"].string ?? "", name: object["metadata"]["name"].string ?? "")
    }

    private static func store(_ state: inout State, _ name: Name, _ object: Value) -> Value {
        state.version += 1
        var object = object
        if object["metadata"]["uid"].isNull { object["metadata"]["uid"] = .string("uid-\(state.version)") }
        object["metadata"]["resourceVersion"] = .string(String(state.version))
        state.objects[name] = object
        return object
    }
}

extension TestHost {
    private static let log = constant(
        apus_host_log(
            size: UInt32(MemoryLayout<apus_host_log>.size),
            write: { me, level, message in
                let names = [APUS_LOG_ERROR: "error", APUS_LOG_WARNING: "warning", APUS_LOG_INFO: "info", APUS_LOG_DEBUG: "debug"]
                let line = "\(names[level] ?? String(level)): \(message.string)"
                instance(me, as: TestHost.self).state.withLock { $0.log.append(line) }
            }))

    private static let objects = constant(
        apus_host_objects(
            size: UInt32(MemoryLayout<apus_host_objects>.size),
            get: { me, reference, sink in read(me, reference, sink) },
            list: { me, reference, labels, fields, sink in list(me, reference, labels, fields, sink) },
            dependents: { me, reference, uid, orphans, sink in
                guard let selector = try? LabelSelector(parsing: orphans.string) else { return APUS_INVALID }
                return each(me, sink) { [wanted = Wanted(reference), uid = uid.string] name, object in
                    guard wanted.takes(name.resource, name.namespace) else { return false }
                    let references = object["metadata"]["ownerReferences"].elements
                    if references.contains(where: { $0["uid"].string == uid }) { return true }
                    return !selector.isEmpty && !references.contains { $0["controller"].bool == true } && selector.matches(labelsOf: object)
                }
            },
            create: { me, reference, object, options, sink in
                write(me, reference, options, sink) { state, name in
                    var object = try JSON.decode(object.array)
                    if !name.namespace.isEmpty { object["metadata"]["namespace"] = .string(name.namespace) }
                    if object["metadata"]["name"].isNull, let prefix = object["metadata"]["generateName"].string {
                        object["metadata"]["name"] = .string("\(prefix)\(state.version + 1)")
                    }
                    let own = TestHost.name(name.resource, object)
                    guard state.objects[own] == nil else { throw APIError.alreadyExists(own.resource.resource, own.name) }
                    return store(&state, own, object)
                }
            },
            update: { me, reference, object, options, sink in
                write(me, reference, options, sink) { state, name in
                    guard let old = state.objects[name] else { throw APIError.notFound(name.resource.resource, name.name) }
                    let object = try JSON.decode(object.array)
                    let version = object["metadata"]["resourceVersion"]
                    guard version.isNull || version == old["metadata"]["resourceVersion"] else {
                        throw APIError.conflict(name.resource.resource, name.name, "the object has been modified")
                    }
                    var new = object
                    if reference.pointee.subresource.string == "status" {
                        new = old
                        new["status"] = object["status"]
                    }
                    return store(&state, name, new)
                }
            },
            patch: { me, reference, kind, patch, options, sink in
                write(me, reference, options, sink) { state, name in
                    guard let old = state.objects[name] else { throw APIError.notFound(name.resource.resource, name.name) }
                    return store(&state, name, try patched(old, kind, JSON.decode(patch.array)))
                }
            },
            apply: { _, _, _, _, sink in
                answer(sink) {
                    throw APIError(code: 405, reason: .methodNotAllowed, message: "server-side apply is not supported")
                }
            },
            remove: { me, reference, _, options, sink in
                write(me, reference, options, sink) { state, name in
                    guard let old = state.objects.removeValue(forKey: name) else {
                        throw APIError.notFound(name.resource.resource, name.name)
                    }
                    return old
                }
            },
            event: { me, _, type, reason, message in
                let line = "\(type.string) \(reason.string): \(message.string)"
                instance(me, as: TestHost.self).state.withLock { $0.events.append(line) }
            },
            fetch: { me, reference, sink in read(me, reference, sink) },
            remove_collection: { me, reference, labels, fields, _, options, _ in
                let options = WriteOptions(options)
                guard let wanted = selection(reference, labels, fields), options.preconditions == WriteOptions.Preconditions() else {
                    return APUS_INVALID
                }
                instance(me, as: TestHost.self).state.withLock { state in
                    guard !options.isDryRun else { return }
                    state.writes += 1
                    state.objects = state.objects.filter { !wanted($0.key, $0.value) }
                }
                return APUS_OK
            },
            fetch_list: { me, reference, labels, fields, sink in list(me, reference, labels, fields, sink) }))

    private static func list(
        _ me: UnsafeMutableRawPointer?, _ reference: UnsafePointer<apus_object_ref>, _ labels: apus_borrowed, _ fields: apus_borrowed,
        _ sink: UnsafePointer<apus_object_sink>
    ) -> apus_status {
        guard let wanted = selection(reference, labels, fields) else { return APUS_INVALID }
        return each(me, sink, wanted)
    }

    /// What a reference and two selectors ask for; `nil` where one of them is none.
    private static func selection(_ reference: UnsafePointer<apus_object_ref>, _ labels: apus_borrowed, _ fields: apus_borrowed) -> (
        (Name, Value) -> Bool
    )? {
        guard let selector = try? LabelSelector(parsing: labels.string), let fields = try? FieldSelector(parsing: fields.string) else {
            return nil
        }
        let wanted = Wanted(reference)
        return { name, object in
            wanted.takes(name.resource, name.namespace) && selector.matches(labelsOf: object)
                && fields.requirements.allSatisfy { texts(object, $0.field).contains($0.value) == $0.isEqual }
        }
    }

    private static func texts(_ object: Value, _ path: String) -> [String] {
        ObjectPath(path).map { $0.isPlural ? $0.texts(in: object) : [$0.text(in: object)] } ?? []
    }

    /// What a reference asks for.
    private struct Wanted {
        let resource: GroupVersionResource?
        let namespace: String

        init(_ reference: UnsafePointer<apus_object_ref>) {
            resource = GroupVersionResource(reference.pointee.resource.string)
            namespace = reference.pointee.namespace_.string
        }

        func takes(_ other: GroupVersionResource, _ otherNamespace: String) -> Bool {
            (resource == nil || resource == other) && (namespace.isEmpty || namespace == otherNamespace)
        }
    }

    private static func name(_ reference: UnsafePointer<apus_object_ref>) throws -> Name {
        guard let resource = GroupVersionResource(reference.pointee.resource.string) else {
            throw APIError.badRequest("\"\(reference.pointee.resource.string)\" is not of the form group/version/plural")
        }
        return Name(resource: resource, namespace: reference.pointee.namespace_.string, name: reference.pointee.name.string)
    }

    private static func patched(_ object: Value, _ kind: Int32, _ patch: Value) throws -> Value {
        switch kind {
        case APUS_PATCH_JSON: try Patch.json(object, patch)
        case APUS_PATCH_MERGE: Patch.merge(object, patch)
        case APUS_PATCH_STRATEGIC:
            if let schema = GroupVersionKind(of: object).flatMap(Catalogue.builtin.type(of:)) {
                try Patch.strategic(object, patch, schema: schema)
            } else {
                throw APIError.badRequest("a strategic merge patch needs a built-in kind")
            }
        default: throw APIError.badRequest("there is no patch kind \(kind)")
        }
    }

    private static func read(_ me: UnsafeMutableRawPointer?, _ reference: UnsafePointer<apus_object_ref>, _ sink: UnsafePointer<apus_sink>)
        -> apus_status
    {
        answer(sink) {
            let name = try name(reference)
            guard let object = instance(me, as: TestHost.self).state.withLock({ $0.objects[name] }) else {
                throw APIError.notFound(name.resource.resource, name.name)
            }
            return object
        }
    }

    private static func write(
        _ me: UnsafeMutableRawPointer?, _ reference: UnsafePointer<apus_object_ref>, _ options: UnsafePointer<apus_write_options>?,
        _ sink: UnsafePointer<apus_sink>, _ change: (inout State, Name) throws -> Value
    ) -> apus_status {
        answer(sink) {
            let name = try name(reference)
            let options = WriteOptions(options)
            return try instance(me, as: TestHost.self).state.withLock { state in
                if let metadata = state.objects[name]?["metadata"] {
                    let preconditions = options.preconditions
                    for case (let field, let wanted?) in [("uid", preconditions.uid), ("resourceVersion", preconditions.resourceVersion)]
                    where metadata[field].string != wanted {
                        throw APIError.conflict(
                            name.resource.resource, name.name, "the \(field) is \(metadata[field].string ?? "") and not \(wanted)")
                    }
                }
                guard !options.isDryRun else {
                    var trial = state
                    return try change(&trial, name)
                }
                state.writes += 1
                return try change(&state, name)
            }
        }
    }

    /// Hands the objects that `isWanted` picks to `sink`, by namespace and name.
    private static func each(_ me: UnsafeMutableRawPointer?, _ sink: UnsafePointer<apus_object_sink>, _ isWanted: (Name, Value) -> Bool)
        -> apus_status
    {
        let found = instance(me, as: TestHost.self).state.withLock { $0.objects }.filter { isWanted($0.key, $0.value) }.sorted {
            $0.key < $1.key
        }
        for (_, object) in found where JSON.encode(object).withBorrowed({ sink.pointee.next(sink.pointee.context, $0) }) != 0 { break }
        return APUS_OK
    }

    /// Writes what `body` returns, or as a `Status` what it throws.
    private static func answer(_ sink: UnsafePointer<apus_sink>, _ body: () throws -> Value) -> apus_status {
        do {
            sink.write(JSON.encode(try body()))
            return APUS_OK
        } catch {
            let (status, message) = describe(error)
            sink.write(JSON.encode((error as? APIError)?.status ?? ["kind": "Status", "message": .string(message)]))
            return status
        }
    }
}
