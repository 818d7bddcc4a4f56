internal import APIModel
internal import Client
internal import Logging
internal import PluginAPI
internal import Synchronization

/// `apus.host.objects/1` for one component: the API as the user `system:plugin:<name>`. Slots run on the plugin's threads and block them.
final class ObjectsService: Sendable {
    private let watched: Set<GroupVersionResource>
    private let services = Mutex<Services?>(nil)
    private let calls = BlockingCalls()
    /// The newest resourceVersion this component wrote, by kind: its reads wait until the cache has it.
    private let written = Mutex<[GroupVersionResource: UInt64]>([:])

    private struct Services: Sendable {
        var client: any Client
        var cache: Cache
        var recorder: EventRecorder
        /// Sends what the recorder has, until `close`.
        var sending: Task<Void, Never>
    }

    private let log: Logger

    init(_ manifest: PluginManifest, log: Logger) {
        watched = Set(manifest.controller?.watched ?? [])
        self.log = log
    }

    /// Before this, and after `close`, every slot answers UNAVAILABLE or CANCELLED.
    func open(_ manifest: PluginManifest, _ host: HostServices) {
        let client = host.client.impersonating(manifest.user, groups: PluginManifest.groups)
        // Events are written by the host for the plugin: writing them needs no rule in the manifest.
        let recorder = EventRecorder(client: host.client, component: "\(manifest.name)-\(manifest.kind == .controller ? "controller" : "plugin")", log: log)
        services.withLock { $0 = Services(client: client, cache: host.cache, recorder: recorder, sending: Task { await recorder.run() }) }
    }

    func close() {
        services.withLock { $0?.sending.cancel() }
        calls.close()
    }

    /// Returns when the cache has all that this component wrote: who takes its place sees it from the first call on. Works after `close`, too.
    func waitUntilCaughtUp() async {
        guard let cache = services.withLock({ $0?.cache }) else { return }
        // Only the cache's end cuts this short, and then nobody reads it any more.
        for (resource, version) in written.withLock({ $0 }) { try? await cache.wait(for: resource, resourceVersion: String(version)) }
    }

    func makeTable() -> UnsafeRawPointer {
        hostTable(
            apus_host_objects.self,
            [
                HostSlot("get", [.pointer, .pointer, .pointer], .int32) { self.get($0) },
                HostSlot("list", [.pointer, .pointer, .bytes, .pointer], .int32) { self.list($0) },
                HostSlot("dependents", [.pointer, .pointer, .bytes, .pointer], .int32) { self.dependents($0) },
                HostSlot("create", [.pointer, .pointer, .bytes, .pointer], .int32) { self.create($0) },
                HostSlot("update", [.pointer, .pointer, .bytes, .pointer], .int32) { self.update($0) },
                HostSlot("patch", [.pointer, .pointer, .int32, .bytes, .pointer], .int32) { self.patch($0) },
                HostSlot("remove", [.pointer, .pointer, .bytes, .pointer], .int32) { self.remove($0) },
                HostSlot("event", [.pointer, .bytes, .bytes, .bytes, .bytes], .void) { self.event($0) },
                HostSlot("fetch", [.pointer, .pointer, .pointer], .int32) { self.fetch($0) },
            ])
    }
}

// The slots, in the header's order.
extension ObjectsService {
    private func get(_ frame: CallFrame) -> CallResult {
        answer(frame.sink(2)) { services in
            let target = try Target(frame)
            if target.subresource == nil, self.isCached(target.resource, services) {
                try self.catchUp(services, target.resource)
                if let object = services.cache.get(target.resource, namespace: target.namespace, name: target.name) { return object.bytes }
                throw APIError.notFound(target.qualifiedResource, target.name)
            }
            return try self.calls.wait { try await services.client.get(target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource) }.bytes
        }
    }

    private func list(_ frame: CallFrame) -> CallResult {
        deliver(to: frame.pointer(3, to: apus_object_sink.self)) { services in
            let target = try Target(frame)
            let text = frame.string(2)
            guard self.isCached(target.resource, services) else {
                return try self.calls.wait { try await services.client.list(target.resource, namespace: target.namespace, options: ListOptions(labelSelector: text)) }.items
            }
            try self.catchUp(services, target.resource)
            let objects = services.cache.list(target.resource, namespace: target.namespace)
            if text.isEmpty { return objects }
            let selector = try LabelSelector(parsing: text)
            return objects.filter { selector.matches($0.labels) }
        }
    }

    private func dependents(_ frame: CallFrame) -> CallResult {
        deliver(to: frame.pointer(3, to: apus_object_sink.self)) { services in
            let name = frame.reference.resource.string
            let wanted = try name.isEmpty ? nil : Target(frame).resource
            for resource in self.written.withLock({ Array($0.keys) }) where self.isCached(resource, services) { try self.catchUp(services, resource) }
            // A plugin sees of the shared cache what its manifest watches.
            return services.cache.dependents(of: frame.string(2)).filter { wanted == nil || $0.resource == wanted }.filter { self.watched.contains($0.resource) }.map(\.object)
        }
    }

    private func create(_ frame: CallFrame) -> CallResult {
        write(frame, body: 2, sink: 3) { client, target, body in
            try await client.create(target.resource, namespace: target.namespace, name: target.name.isEmpty ? nil : target.name, subresource: target.subresource, body)
        }
    }

    private func update(_ frame: CallFrame) -> CallResult {
        write(frame, body: 2, sink: 3) { client, target, body in
            try await client.update(target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, body)
        }
    }

    private static let patchKinds: [Int32: PatchKind] = [APUS_PATCH_JSON: .json, APUS_PATCH_MERGE: .merge, APUS_PATCH_STRATEGIC: .strategicMerge]

    private func patch(_ frame: CallFrame) -> CallResult {
        let number = frame.int32(2)
        return write(frame, body: 3, sink: 4) { client, target, body in
            guard let kind = Self.patchKinds[number] else { throw APIError.badRequest("there is no patch of kind \(number)") }
            return try await client.patch(target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, kind, body)
        }
    }

    private func remove(_ frame: CallFrame) -> CallResult {
        write(frame, body: 2, sink: 3) { client, target, options in
            try await client.delete(target.resource, namespace: target.namespace, name: target.name, options: options)
        }
    }

    private func fetch(_ frame: CallFrame) -> CallResult {
        answer(frame.sink(2)) { services in
            let target = try Target(frame)
            return try self.calls.wait { try await services.client.get(target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource) }.bytes
        }
    }

    private func event(_ frame: CallFrame) -> CallResult {
        guard let services = services.withLock({ $0 }), let object = try? JSON.decode(frame.bytes(1)) else { return .nothing }
        guard let kind = EventRecorder.Kind(rawValue: frame.string(2)) else { return .nothing }
        services.recorder.event(about: object, kind, reason: frame.string(3), message: frame.string(4))
        return .nothing
    }
}

extension ObjectsService {
    /// What an `apus_object_ref` names. An empty namespace is none: cluster-scoped, or all namespaces of a list.
    private struct Target: Sendable {
        let resource: GroupVersionResource
        let namespace: String?
        let name: String
        let subresource: String?

        init(_ frame: CallFrame) throws {
            let reference = frame.reference
            let text = reference.resource.string
            guard let resource = GroupVersionResource(text) else { throw APIError.badRequest("\"\(text)\" is not of the form group/version/plural or version/plural") }
            let (namespace, subresource) = (reference.namespace_.string, reference.subresource.string)
            self.resource = resource
            self.namespace = namespace.isEmpty ? nil : namespace
            self.name = reference.name.string
            self.subresource = subresource.isEmpty ? nil : subresource
        }

        var qualifiedResource: String { resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)" }
    }

    private func isCached(_ resource: GroupVersionResource, _ services: Services) -> Bool { watched.contains(resource) && services.cache.isSynced(resource) }

    /// Decodes the body of a write (empty is `.null`), has `body` do it and writes the answer.
    private func write(_ frame: CallFrame, body: Int, sink: Int, _ send: @escaping @Sendable (any Client, Target, Value) async throws -> Object) -> CallResult {
        let bytes = frame.bytes(body)
        return answer(frame.sink(sink)) { services in
            let target = try Target(frame)
            let value: Value
            do {
                value = try bytes.isEmpty ? .null : JSON.decode(bytes)
            } catch {
                throw APIError.badRequest("the object is not JSON: \(error)")
            }
            let answer = try self.calls.wait { try await send(services.client, target, value) }
            if let version = UInt64(answer.resourceVersion), self.watched.contains(target.resource) {
                self.written.withLock { $0[target.resource] = max($0[target.resource] ?? 0, version) }
            }
            return answer.bytes
        }
    }

    /// Waits, for moments at most, until the cache has what this component wrote. The note stays until then: other threads of the plugin wait for it, too.
    private func catchUp(_ services: Services, _ resource: GroupVersionResource) throws {
        guard let version = written.withLock({ $0[resource] }) else { return }
        try calls.wait { try await services.cache.wait(for: resource, resourceVersion: String(version)) }
        written.withLock { if $0[resource] == version { $0[resource] = nil } }
    }

    /// Writes what `body` returns, or the `Status` of what it throws.
    private func answer(_ sink: UnsafePointer<apus_sink>, _ body: (Services) throws -> [UInt8]) -> CallResult {
        do {
            sink.write(try body(try running()))
            return .status(APUS_OK)
        } catch {
            let refusal = Self.refusal(error)
            sink.write(JSON.encode(refusal.status))
            return .status(Self.status(of: error))
        }
    }

    private func deliver(to sink: UnsafePointer<apus_object_sink>, _ body: (Services) throws -> [Object]) -> CallResult {
        do {
            for object in try body(try running()) {
                guard object.bytes.withBorrowed({ sink.pointee.next(sink.pointee.context, $0) }) == 0 else { break }
            }
            return .status(APUS_OK)
        } catch {
            return .status(Self.status(of: error))
        }
    }

    private func running() throws -> Services {
        guard let services = services.withLock({ $0 }) else {
            throw APIError(code: 503, reason: .serviceUnavailable, message: "the plugin is not started yet: the API can be used from start on")
        }
        return services
    }

    private static func refusal(_ error: any Error) -> APIError {
        if let error = error as? APIError { return error }
        if error is CancellationError { return APIError(code: 503, reason: .serviceUnavailable, message: "the plugin is being stopped") }
        return .internalError("\(error)")
    }

    private static func status(of error: any Error) -> apus_status {
        if error is CancellationError { return APUS_CANCELLED }
        return statuses[refusal(error).reason] ?? APUS_FAULT
    }

    private static let statuses: [APIError.Reason: apus_status] = [
        .notFound: APUS_NOT_FOUND, .alreadyExists: APUS_ALREADY_EXISTS, .conflict: APUS_CONFLICT, .forbidden: APUS_FORBIDDEN, .unauthorized: APUS_FORBIDDEN,
        .invalid: APUS_INVALID, .badRequest: APUS_INVALID, .serviceUnavailable: APUS_UNAVAILABLE, .tooManyRequests: APUS_UNAVAILABLE, .serverTimeout: APUS_UNAVAILABLE,
        .timeout: APUS_UNAVAILABLE,
    ]
}

extension CallFrame {
    fileprivate var reference: apus_object_ref { pointer(1, to: apus_object_ref.self).pointee }
    fileprivate func sink(_ index: Int) -> UnsafePointer<apus_sink> { pointer(index, to: apus_sink.self) }
}
