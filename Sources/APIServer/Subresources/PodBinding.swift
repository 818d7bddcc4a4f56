import APIModel
import OrderedCollections
import Store

/// The binding subresource: puts a pod on a node, once.
enum PodBinding {
    static let handlers: Handlers.Table = [
        .init("/pods", "binding", .create): { try await bind($0.target, try $0.object, $0.context) },
        // The older form: a Binding that names the pod itself.
        .init("/bindings", "", .create): { call in
            let binding = try call.object
            guard let name = binding[path: "metadata", "name"].string, !name.isEmpty else { throw APIError.badRequest("name is required") }
            let pod = try call.context.served.target(.create, .pods, namespace: call.target.namespace, name: name, subresource: "binding")
            return try await bind(pod, binding, call.context)
        },
    ]

    static func bind(_ target: Target, _ binding: Value, _ write: WriteContext) async throws -> Answer {
        try await write.admitCreation(of: binding, target) { binding in
            (try await bindAdmitted(target, binding, write), write.isDryRun ? .dropped : .committed)
        }
    }

    private static func bindAdmitted(_ target: Target, _ binding: Value, _ write: WriteContext) async throws -> Answer {
        let kind = binding[path: "target", "kind"].string ?? ""
        let node = binding[path: "target", "name"].string ?? ""
        guard binding[path: "metadata", "name"].string == target.name else {
            throw APIError.badRequest("name in URL does not match name in Binding object")
        }
        /// Upstream takes what it does not accept here for a fault of its own.
        func invalid(_ error: FieldError) -> APIError { APIError(code: 500, reason: .unknown, message: error.message) }
        guard kind.isEmpty || kind == "Node" else { throw invalid(.notSupported("target.kind", .string(kind), ["Node", "<empty>"])) }
        guard !node.isEmpty else { throw invalid(.required("target.name", "")) }
        _ = try await write.registry.modify(target, write, operation: nil) { old in
            for (field, name) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
                let (wanted, present) = (binding["metadata"][field].string ?? "", old["metadata"][field].string ?? "")
                guard wanted.isEmpty || wanted == present else {
                    let problem = "Precondition failed: \(name) in precondition: \(wanted), \(name) in object meta: \(present)"
                    throw APIError.conflict("pods", target.name, problem)
                }
            }
            guard old[path: "metadata", "deletionTimestamp"].isNull else {
                throw refusal(target, "pod \(target.name) is being deleted, cannot be assigned to a host")
            }
            let present = old[path: "spec", "nodeName"].string ?? ""
            guard present.isEmpty else { throw refusal(target, "pod \(target.name) is already assigned to node \"\(present)\"") }
            guard old[path: "spec", "schedulingGates"].elements.isEmpty else {
                throw refusal(target, "pod \(target.name) has non-empty .spec.schedulingGates")
            }
            var pod = old
            pod["spec"]["nodeName"] = .string(node)
            for field in ["annotations", "labels"] {
                for (name, value) in binding["metadata"][field].fields { pod["metadata"][field][name] = value }
            }
            // Where it was to run once there was room says nothing any more.
            pod["status"]["nominatedNodeName"] = .null
            pod["status"]["conditions"] = .array(scheduled(pod[path: "status", "conditions"].elements))
            return pod
        }
        return Answer(
            .value(["kind": "Status", "apiVersion": "v1", "metadata": .emptyObject, "status": "Success", "code": 201]), code: 201)
    }

    private static func refusal(_ target: Target, _ why: String) -> APIError { .conflict("pods/binding", target.name, why) }

    private static func scheduled(_ conditions: [Value]) -> [Value] {
        var condition: Value = [
            "type": "PodScheduled", "status": "True", "lastProbeTime": .null, "lastTransitionTime": .string(Timestamp.now()),
        ]
        guard let index = conditions.firstIndex(where: { $0["type"] == "PodScheduled" }) else { return conditions + [condition] }
        if conditions[index]["status"] == "True" { condition["lastTransitionTime"] = conditions[index]["lastTransitionTime"] }
        var conditions = conditions
        conditions[index] = condition
        return conditions
    }
}
