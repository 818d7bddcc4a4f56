internal import APIModel
internal import Client
internal import PluginAPI
internal import Synchronization

// The slots, in the header's order.
extension ObjectsService {
    func get(_ call: Call) -> CallResult {
        answer(call, sink: 2) { services in
            let target = try Target(call.frame)
            if target.subresource == nil, self.isCached(target.resource, services) {
                try self.catchUp(services, target.resource)
                if let object = services.cache.get(target.resource, namespace: target.namespace, name: target.name) { return object.bytes }
                throw APIError.notFound(target.qualifiedResource, target.name)
            }
            return try self.calls.wait {
                try await services.client.get(
                    target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource)
            }.bytes
        }
    }

    func list(_ call: Call) -> CallResult {
        deliver(call, sink: 3) { services in
            let target = try Target(call.frame)
            let text = call.frame.string(2)
            guard self.isCached(target.resource, services) else {
                return try self.calls.wait {
                    try await services.client.list(target.resource, namespace: target.namespace, options: ListOptions(labelSelector: text))
                }.items
            }
            try self.catchUp(services, target.resource)
            let objects = services.cache.list(target.resource, namespace: target.namespace)
            if text.isEmpty { return objects }
            let selector = try LabelSelector(parsing: text)
            return objects.filter { selector.matches($0.labels) }
        }
    }

    func dependents(_ call: Call) -> CallResult {
        deliver(call, sink: 3) { services in
            let name = call.frame.reference.resource.string
            let wanted = try name.isEmpty ? nil : Target(call.frame).resource
            for resource in self.written.withLock({ Array($0.keys) }) where self.isCached(resource, services) {
                try self.catchUp(services, resource)
            }
            // A plugin sees of the shared cache what its manifest watches.
            return services.cache.dependents(of: call.frame.string(2)).filter { wanted == nil || $0.resource == wanted }.filter {
                self.watched.contains($0.resource)
            }.map(\.object)
        }
    }

    func create(_ call: Call) -> CallResult {
        write(call, body: 2, sink: 3) { client, target, body in
            try await client.create(
                target.resource, namespace: target.namespace, name: target.name.isEmpty ? nil : target.name,
                subresource: target.subresource, body)
        }
    }

    func update(_ call: Call) -> CallResult {
        write(call, body: 2, sink: 3) { client, target, body in
            try await client.update(target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, body)
        }
    }

    private static let patchKinds: [Int32: PatchKind] = [
        APUS_PATCH_JSON: .json, APUS_PATCH_MERGE: .merge, APUS_PATCH_STRATEGIC: .strategicMerge,
    ]

    func patch(_ call: Call) -> CallResult {
        let number = call.frame.int32(2)
        return write(call, body: 3, sink: 4) { client, target, body in
            guard let kind = Self.patchKinds[number] else { throw APIError.badRequest("there is no patch of kind \(number)") }
            return try await client.patch(
                target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource, kind, body)
        }
    }

    func remove(_ call: Call) -> CallResult {
        write(call, body: 2, sink: 3) { client, target, options in
            try await client.delete(target.resource, namespace: target.namespace, name: target.name, options: options)
        }
    }

    func fetch(_ call: Call) -> CallResult {
        answer(call, sink: 2) { services in
            let target = try Target(call.frame)
            return try self.calls.wait {
                try await services.client.get(
                    target.resource, namespace: target.namespace, name: target.name, subresource: target.subresource)
            }.bytes
        }
    }

    func event(_ call: Call) -> CallResult {
        // There is no way to say why not; a refusal was counted.
        guard let services = try? running(call.name), let object = try? JSON.decode(call.frame.bytes(1)) else { return .nothing }
        guard let kind = EventRecorder.Kind(rawValue: call.frame.string(2)) else { return .nothing }
        services.recorder.event(about: object, kind, reason: call.frame.string(3), message: call.frame.string(4))
        return .nothing
    }
}
