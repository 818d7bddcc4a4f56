internal import APIModel
internal import Client
internal import PluginAPI
internal import Synchronization

// The slots that read, and the one for events.
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
        deliver(call, sink: 4) { services in
            let target = try Target(call.frame)
            let (labels, fields) = (call.frame.string(2), call.frame.string(3))
            guard self.isCached(target.resource, services) else { return try self.live(target, labels, fields, services) }
            let selector = try LabelSelector(parsing: labels)
            let index = try self.index(target.resource, fields)
            try self.catchUp(services, target.resource)
            guard let index else { return services.cache.list(target.resource, namespace: target.namespace, matching: selector) }
            let found =
                index.path == .name
                ? services.cache.list(target.resource, namespace: target.namespace, named: index.value)
                : services.cache.list(target.resource, namespace: target.namespace, where: .field(index.path), is: index.value) ?? []
            return selector.isEmpty ? found : found.filter { selector.matches(labelsOf: $0.value) }
        }
    }

    /// The index that a field selector asks for, `nil` where it asks for nothing. No list of cached objects looks at all of them for a field.
    private func index(_ resource: GroupVersionResource, _ selector: String) throws -> (path: ObjectPath, value: String)? {
        let requirements = try FieldSelector(parsing: selector).requirements
        guard let first = requirements.first else { return nil }
        guard requirements.count == 1, first.isEqual else {
            throw APIError.badRequest("a list of cached objects is selected by one field with one value, not by \"\(selector)\"")
        }
        guard let path = ObjectPath(first.field), path == .name || indexes.contains(.init(resource: resource, by: .field(path))) else {
            throw APIError.badRequest(
                "the manifest has no index of \(resource) by the field \(first.field): add it to spec.controller.indexes")
        }
        return (path, first.value)
    }

    func dependents(_ call: Call) -> CallResult {
        deliver(call, sink: 4) { services in
            let (uid, selector) = (call.frame.string(2), call.frame.string(3))
            let target = try call.frame.reference.resource.count == 0 ? nil : Target(call.frame)
            for resource in self.writes.resources where self.isCached(resource, services) { try self.catchUp(services, resource) }
            // A plugin sees of the shared cache what its manifest watches.
            let owned = services.cache.dependents(of: uid).filter { dependent in
                (target == nil || dependent.resource == target?.resource) && self.watches(dependent.resource)
            }.map(\.object)
            guard !selector.isEmpty else { return owned }
            guard let target, self.watches(target.resource) else {
                throw APIError.badRequest("objects to adopt are of one kind, which the manifest watches")
            }
            let orphans = services.cache.orphans(
                target.resource, namespace: target.namespace ?? "", matching: try LabelSelector(parsing: selector))
            guard let orphans else {
                throw APIError.badRequest(
                    "\(target.resource) is not among those that the manifest's controller owns: only those are adopted")
            }
            return (owned + orphans).sorted { $0.name < $1.name }
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

    func fetchList(_ call: Call) -> CallResult {
        deliver(call, sink: 4) { services in
            try self.live(Target(call.frame), call.frame.string(2), call.frame.string(3), services)
        }
    }

    private func live(_ target: Target, _ labels: String, _ fields: String, _ services: Services) throws -> [Object] {
        try calls.wait {
            let options = ListOptions(labelSelector: labels, fieldSelector: fields)
            return try await services.client.list(target.resource, namespace: target.namespace, options: options)
        }.items
    }

    func event(_ call: Call) -> CallResult {
        // There is no way to say why not; a refusal was counted.
        guard let services = try? running(call.name), let object = try? JSON.decode(call.frame.bytes(1)) else { return .nothing }
        guard let kind = EventRecorder.Kind(rawValue: call.frame.string(2)) else { return .nothing }
        services.recorder.event(about: object, kind, reason: call.frame.string(3), message: call.frame.string(4))
        return .nothing
    }
}

extension ObjectPath {
    /// The cache is ordered by names: they need no index.
    fileprivate static let name = ObjectPath("metadata.name")!
}
