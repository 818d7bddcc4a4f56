import APIModel
import Client
import Store

/// The scale subresource: an `autoscaling/v1` Scale over `spec.replicas` and `status.replicas` of a kind.
enum Scale {
    static let kind = GroupVersionKind(group: "autoscaling", version: "v1", kind: "Scale")

    static let handlers: Handlers.Table = [
        .init(nil, "scale", .get): { call in
            Answer(.value(try await read(try call.registry.get(call.target), call.target, call.registry)))
        },
        .init(nil, "scale", .update): { call in
            let wanted = try call.object
            try call.target.requireName(wanted)
            return try await write(call.target, call.context) { before, fields in
                var scale = wanted
                await fields.update(&scale, old: before)
                return scale
            }
        },
        .init(nil, "scale", .patch): { call in
            guard case .patch(let patch) = call.input, let schema = call.context.served.kinds.type(of: kind) else {
                throw APIError.unknownResource
            }
            return try await write(call.target, call.context) { before, fields in
                if patch.kind == .apply {
                    return try patch.applied(try await fields.apply(patch.content, to: before), schema: schema, as: kind, call.context)
                }
                var scale = try patch.apply(to: before, schema: schema, as: kind, call.context)
                await fields.update(&scale, old: before)
                return scale
            }
        },
    ]

    private static func read(_ record: Record, _ target: Target, _ registry: Registry) async throws -> Value {
        try read(try await target.storage.fromStored(record.object.value, registry), target.type)
    }

    /// - Parameter object: in the version of `type`.
    private static func read(_ object: Value, _ type: ResourceType) throws -> Value {
        let metadata = object["metadata"]
        let paths = type.custom?.scale
        let present = at(paths?.statusReplicas ?? ["status", "replicas"], object)
        var status: Value = ["replicas": .int(present.int ?? 0)]
        if let selector = try selector(object, paths), !selector.isEmpty { status["selector"] = .string(selector) }
        var replicas = Value.emptyObject
        if let count = at(paths?.specReplicas ?? ["spec", "replicas"], object).int, count != 0 { replicas["replicas"] = .int(count) }
        return [
            "kind": "Scale", "apiVersion": "autoscaling/v1",
            "metadata": [
                "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
                "resourceVersion": metadata["resourceVersion"],
                "creationTimestamp": metadata["creationTimestamp"],
            ], "spec": replicas, "status": status,
        ]
    }

    /// A custom kind has its selector as text, where its definition says.
    private static func selector(_ object: Value, _ paths: CustomKind.ScalePaths?) throws -> String? {
        if let paths { return paths.labelSelector.flatMap { at($0, object).string } }
        let selector = object[path: "spec", "selector"]
        // A ReplicationController's selector is a plain map.
        let parsed =
            selector["matchLabels"].isNull && selector["matchExpressions"].isNull
            ? LabelSelector(labels: selector.strings) : try LabelSelector(selector)
        return parsed.description
    }

    private static func at(_ path: [String], _ object: Value) -> Value { path.reduce(object) { $0[$1] } }

    private static func put(_ value: Value, at path: ArraySlice<String>, into object: inout Value) {
        guard let first = path.first else {
            object = value
            return
        }
        put(value, at: path.dropFirst(), into: &object[first])
    }

    /// Writes the wanted number of replicas. `change` gets the present Scale and returns the wanted one, with their managed fields.
    private static func write(
        _ target: Target, _ write: WriteContext, _ change: @Sendable (Value, FieldManager) async throws -> Value
    ) async throws -> Answer {
        guard let schema = write.served.kinds.type(of: kind) else { throw APIError.unknownResource }
        let owners = ScaleFields(target, write.served, schema)
        let fields = try FieldManager(owners, kind, target, write)
        let main = target.named(target.name, subresource: "")
        let answer = try await write.registry.modify(main, write, operation: nil) { stored in
            let old = try await target.storage.fromStored(stored, write.registry)
            var before = try read(old, target.type)
            before["metadata"]["managedFields"] = owners.shown(old[path: "metadata", "managedFields"])
            var wanted = try await change(before, fields)
            let managed = wanted[path: "metadata", "managedFields"]
            let request = AdmissionRequest(operation: .update, target: target, old: before, context: write)
            try await target.storage.admission.admit(&wanted, request)
            let name = wanted[path: "metadata", "name"].string ?? ""
            guard name.isEmpty || name == target.name else {
                throw APIError.badRequest("the name of the object (\(name)) does not match the name on the URL (\(target.name))")
            }
            let namespace = wanted[path: "metadata", "namespace"].string ?? ""
            guard namespace.isEmpty || namespace == target.namespace else { throw APIError.foreignNamespace }
            let (uid, present) = (wanted[path: "metadata", "uid"].string ?? "", old[path: "metadata", "uid"].string ?? "")
            guard uid.isEmpty || uid == present else {
                throw target.conflict("Precondition failed: UID in precondition: \(uid), UID in object meta: \(present)")
            }
            let replicas = wanted[path: "spec", "replicas"].int ?? 0
            // A custom kind judges the number where it stands.
            guard replicas >= 0 || target.type.custom != nil else {
                throw APIError.invalid(
                    group: kind.group, kind: kind.kind, name: target.name,
                    errors: [.invalid("spec.replicas", .int(replicas), "must be greater than or equal to 0")])
            }
            return try await target.storage.admission.validate(wanted, request) { [wanted] in
                var object = old
                put(.int(replicas), at: (target.type.custom?.scale?.specReplicas ?? ["spec", "replicas"])[...], into: &object)
                object["metadata"]["resourceVersion"] = wanted[path: "metadata", "resourceVersion"]
                object["metadata"]["managedFields"] = owners.merged(object[path: "metadata", "managedFields"], managed)
                return (try await target.storage.toStored(object, write.registry), .committed)
            }
        }
        switch answer.content {
        case .record(let record): return Answer(.value(try await read(record, target, write.registry)))
        case .stored(let object):
            return Answer(.value(try read(try await target.storage.fromStored(object, write.registry), target.type)))
        default: return answer
        }
    }
}

extension Target {
    func named(_ name: String, subresource: String) -> Target {
        var target = self
        target.name = name
        target.subresource = subresource
        return target
    }
}
