import APIModel
import OrderedCollections
import Store

/// The binding subresource: puts a pod on a node, once.
enum PodBinding {
    static func bind(_ target: Target, _ binding: Value, _ write: Write) async throws -> Answer {
        let kind = binding[path: "target", "kind"].string ?? ""
        let node = binding[path: "target", "name"].string ?? ""
        func invalid(_ error: FieldError) -> APIError { .invalid(group: "", kind: "Binding", name: target.name, errors: [error]) }
        guard kind.isEmpty || kind == "Node" else { throw invalid(.notSupported("target.kind", .string(kind), ["Node", "<empty>"])) }
        guard !node.isEmpty else { throw invalid(.required("target.name", "")) }
        if let uid = binding[path: "metadata", "uid"].string, !uid.isEmpty, let pod = write.registry.store.latest(target.key)?.object,
            pod.uid != uid
        {
            throw refusal(target, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(pod.uid)")
        }
        _ = try await write.registry.modify(target.named(target.name, subresource: "binding"), write) { old in
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
            for (name, value) in binding[path: "metadata", "annotations"].fields { pod["metadata"]["annotations"][name] = value }
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
