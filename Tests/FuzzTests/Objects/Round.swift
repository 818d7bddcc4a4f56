import APIModel
import OrderedCollections

/// Some operations on a few objects, each chosen with what came of those before.
struct Round {
    /// An object that the cluster has taken.
    private struct Known {
        var type: ResourceType
        var namespace: String
        var name: String
        var value: Value
    }

    private var maker: ObjectMaker
    private let types: [ResourceType]
    private let perform: (Operation) async -> FuzzCluster.Answer
    private var known: [Known] = []

    init(_ maker: ObjectMaker, perform: @escaping (Operation) async -> FuzzCluster.Answer) {
        self.maker = maker
        self.perform = perform
        types = Kinds.builtin.resources.filter { $0.verbs.contains("create") }
    }

    /// The random numbers as they are now.
    var dice: Dice { maker.dice }

    mutating func run(_ count: Int) async {
        for _ in 0..<count {
            switch maker.dice.number(0...22) {
            case 0...5: await create()
            case 6, 7: await replace()
            case 8, 9: await replace(subresource: "status")
            case 10...12: await patch()
            case 13: await scale()
            case 14: await read()
            case 15: await collection()
            case 16: await subresource()
            case 17: await delete()
            case 18, 19: await adopt()
            case 20: await custom()
            default: await plant()
            }
        }
    }

    // MARK: Which

    /// The kinds that loops look at come more often.
    private mutating func anyType() -> ResourceType {
        let busy = ["Pod", "Deployment", "ReplicaSet", "Service", "EndpointSlice", "Node", "Namespace"]
        let kind = maker.dice.pick(busy)
        return maker.dice.once(in: 2) ? types.first { $0.kind == kind } ?? types[0] : maker.dice.pick(types)
    }

    private mutating func anyName(_ type: ResourceType) -> String {
        type.kind == "Node" ? maker.dice.pick(["n1", "n2"]) : maker.dice.pick(PlausibleValues.names)
    }

    private func path(_ type: ResourceType, _ namespace: String, _ name: String = "", _ subresource: String = "") -> String {
        let base = type.group.isEmpty ? "/api/\(type.version)" : "/apis/\(type.group)/\(type.version)"
        let scope = type.isNamespaced && !namespace.isEmpty ? "/namespaces/\(Self.escaped(namespace))" : ""
        return base + scope + "/\(type.name)" + (name.isEmpty ? "" : "/\(Self.escaped(name))")
            + (subresource.isEmpty ? "" : "/\(subresource)")
    }

    static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5F].contains(byte)
            let hex = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(UnicodeScalar(byte)) : "%" + (hex.count == 1 ? "0" : "") + hex
        }.joined()
    }

    private static let accepts = [
        "application/json", "application/json", "application/yaml", "application/vnd.kubernetes.protobuf",
        "application/json;as=Table;v=v1;g=meta.k8s.io,application/json", "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    ]

    /// The object in one of the encodings that are taken.
    private mutating func encoded(_ object: Value) -> (type: String, body: [UInt8]) {
        switch maker.dice.number(0...6) {
        case 0: return ("application/yaml", Array(YAML.encode(object).utf8))
        case 1:
            if let bytes = try? Protobuf.encodeUnknown(object) { return ("application/vnd.kubernetes.protobuf", bytes) }
            fallthrough
        default: return ("application/json", JSON.encode(object))
        }
    }

    // MARK: What

    private mutating func create() async {
        let type = anyType()
        let (name, namespace) = (anyName(type), type.isNamespaced ? "default" : "")
        var object = maker.object(type, name: name, namespace: namespace)
        for _ in 0..<6 {
            let (contentType, body) = encoded(object)
            let answer = await perform(Operation(method: "POST", target: path(type, namespace), contentType: contentType, body: body))
            if answer.code == 201 {
                note(type, namespace, answer.value)
                return
            }
            guard answer.code == 422 else { return }
            Repair.mend(&object, type.schema.schema, causes: answer.value["details"]["causes"].elements, &maker)
        }
    }

    private mutating func note(_ type: ResourceType, _ namespace: String, _ value: Value) {
        guard let name = value["metadata"]["name"].string, !name.isEmpty else { return }
        known.removeAll {
            $0.type.name == type.name && $0.type.groupVersion == type.groupVersion && $0.namespace == namespace && $0.name == name
        }
        known.append(Known(type: type, namespace: namespace, name: name, value: value))
        RoundTrip.check(value, type)
    }

    /// Takes up what others have made, so that it is changed, too: what loops write, they read.
    private mutating func adopt() async {
        let kinds = ["Pod", "ReplicaSet", "Node", "Lease", "EndpointSlice", "Endpoints", "Event", "Service", "ServiceAccount", "Namespace"]
        let kind = maker.dice.pick(kinds)
        guard let type = types.first(where: { $0.kind == kind }) else { return }
        let answer = await perform(Operation(method: "GET", target: path(type, "") + "?limit=20"))
        let items = answer.value["items"].elements
        guard !items.isEmpty else { return }
        var object = maker.dice.pick(items)
        object["apiVersion"] = .string(type.groupVersion.description)
        object["kind"] = .string(type.kind)
        note(type, object["metadata"]["namespace"].string ?? "", object)
    }

    /// Objects of a kind that is served once the definition among the samples was accepted.
    private mutating func custom() async {
        let base = "/apis/example.com/v1/namespaces/default/things"
        if maker.dice.once(in: 3), let definition = types.first(where: { $0.kind == "CustomResourceDefinition" }) {
            var object = maker.dice.pick(DecoderSamples.definitions)
            object["apiVersion"] = .string(definition.groupVersion.description)
            object["kind"] = "CustomResourceDefinition"
            _ = await perform(Operation(method: "POST", target: path(definition, ""), body: JSON.encode(object)))
        }
        var mutator = Mutator(dice: maker.dice, words: [], longest: 1 << 16, isJSON: true)
        let sample = JSON.encode(maker.dice.pick(DecoderSamples.customObjects))
        let body = mutator.mutate(sample, [sample])
        maker.dice = mutator.dice
        let (method, target, type) = maker.dice.pick([
            ("POST", base, "application/json"), ("PUT", base + "/a", "application/json"),
            ("PATCH", base + "/a", "application/merge-patch+json"),
            ("PUT", base + "/a/status", "application/json"), ("GET", base, "application/json"),
        ])
        _ = await perform(
            Operation(
                method: method, target: target, contentType: type, accept: maker.dice.pick(Self.accepts), body: method == "GET" ? [] : body)
        )
    }

    private mutating func anyKnown() -> Known? { known.isEmpty ? nil : maker.dice.pick(known) }

    private mutating func replace(subresource: String = "") async {
        guard let target = anyKnown(), subresource.isEmpty || target.type.subresource(subresource) != nil else { return }
        var object = target.value
        object["metadata"]["resourceVersion"] = .null
        if !subresource.isEmpty, let status = target.type.schema.schema.field("status"), maker.dice.once(in: 2) {
            object["status"] = maker.value(status.type, named: "status", depth: 1)
        } else {
            maker.mutate(&object, target.type.schema.schema)
        }
        for _ in 0..<3 {
            let (contentType, body) = encoded(object)
            let answer = await perform(
                Operation(
                    method: "PUT", target: path(target.type, target.namespace, target.name, subresource), contentType: contentType,
                    body: body))
            if answer.code == 200 { return note(target.type, target.namespace, answer.value) }
            guard answer.code == 422 else { return }
            Repair.mend(&object, target.type.schema.schema, causes: answer.value["details"]["causes"].elements, &maker)
        }
    }

    private mutating func patch() async {
        guard let target = anyKnown() else { return }
        var changed = target.value
        maker.mutate(&changed, target.type.schema.schema)
        let kind = maker.dice.number(0...3)
        let patch: Value
        switch kind {
        case 0: patch = .array((0..<maker.dice.number(1...4)).map { _ in maker.operation(on: target.value, changed) })
        default: patch = maker.difference(target.value, changed, directives: kind == 1)
        }
        let types = [
            "application/json-patch+json", "application/strategic-merge-patch+json", "application/merge-patch+json",
            "application/strategic-merge-patch+json",
        ]
        let subresource = target.type.subresource("status") != nil && maker.dice.once(in: 3) ? "status" : ""
        let query = maker.dice.once(in: 6) ? "?fieldValidation=Strict" : maker.dice.once(in: 10) ? "?dryRun=All" : ""
        let answer = await perform(
            Operation(
                method: "PATCH", target: path(target.type, target.namespace, target.name, subresource) + query, contentType: types[kind],
                body: JSON.encode(patch)))
        if answer.code == 200, query != "?dryRun=All" { note(target.type, target.namespace, answer.value) }
    }

    private mutating func scale() async {
        guard let target = known.last(where: { $0.type.subresource("scale") != nil }) else { return }
        let replicas: Value = maker.dice.once(in: 2) ? .int(maker.dice.pick(Extremes.integers)) : .int(Int64(maker.dice.number(0...4)))
        _ = await perform(
            Operation(
                method: "PATCH", target: path(target.type, target.namespace, target.name, "scale"),
                contentType: "application/merge-patch+json",
                body: JSON.encode(["spec": ["replicas": replicas]])))
    }

    private mutating func read() async {
        guard let target = anyKnown() else { return }
        _ = await perform(
            Operation(method: "GET", target: path(target.type, target.namespace, target.name), accept: maker.dice.pick(Self.accepts)))
    }

    private static let parameters = [
        "labelSelector", "fieldSelector", "limit", "continue", "resourceVersion", "resourceVersionMatch", "timeoutSeconds", "watch",
        "allowWatchBookmarks",
        "sendInitialEvents", "pretty", "gracePeriodSeconds", "propagationPolicy", "dryRun",
    ]

    private mutating func collection() async {
        let type = maker.dice.once(in: 2) ? anyType() : anyKnown()?.type ?? anyType()
        var query = maker.dice.once(in: 2) ? ["watch=true"] : []
        for _ in 0..<maker.dice.number(0...3) {
            let value =
                maker.dice.once(in: 2)
                ? maker.dice.pick(Extremes.texts)
                : maker.dice.pick(["app=web", "app in (web,db),!x", "metadata.name=web", "spec.nodeName=n1", "1", "0", "true", "All"])
            query.append("\(maker.dice.pick(Self.parameters))=\(Self.escaped(String(value.prefix(500))))")
        }
        let method = maker.dice.once(in: 8) ? "DELETE" : "GET"
        _ = await perform(
            Operation(
                method: method, target: path(type, maker.dice.once(in: 3) ? "" : "default") + "?" + query.joined(separator: "&"),
                accept: maker.dice.pick(Self.accepts)))
    }

    /// Some sub-resource with a body of its kind.
    private mutating func subresource() async {
        guard let target = anyKnown(), !target.type.subresources.isEmpty else { return }
        let part = maker.dice.pick(target.type.subresources)
        guard !["exec", "attach", "portforward", "proxy", "log"].contains(part.name), let verb = part.verbs.first(where: { $0 != "get" }),
            let schema = Catalogue.builtin.type(of: part.kind)
        else { return }
        var body = maker.calmValue(.object(TypeReference(name: schema.name) { _ in schema }), named: "")
        body["apiVersion"] = .string(part.kind.groupVersion.description)
        body["kind"] = .string(part.kind.kind)
        body["metadata"] = ["name": .string(target.name), "namespace": target.namespace.isEmpty ? .null : .string(target.namespace)]
        maker.mutate(&body, schema)
        let method = ["create": "POST", "update": "PUT", "patch": "PATCH"][verb] ?? "PUT"
        _ = await perform(
            Operation(
                method: method, target: path(target.type, target.namespace, target.name, part.name),
                contentType: method == "PATCH" ? "application/merge-patch+json" : "application/json", body: JSON.encode(body)))
    }

    private mutating func delete() async {
        guard let target = anyKnown() else { return }
        let options: Value = [
            "apiVersion": "v1", "kind": "DeleteOptions",
            "gracePeriodSeconds": maker.dice.once(in: 2) ? .int(maker.dice.pick(Extremes.integers)) : .int(Int64(maker.dice.number(0...1))),
            "propagationPolicy": maker.dice.pick(["Background", "Foreground", "Orphan", .null] as [Value]),
        ]
        _ = await perform(
            Operation(
                method: "DELETE", target: path(target.type, target.namespace, target.name),
                body: maker.dice.once(in: 3) ? [] : JSON.encode(options)))
    }

    /// An object that no check has seen.
    private mutating func plant() async {
        var (type, namespace, name, object): (ResourceType, String, String, Value)
        if let target = anyKnown(), !maker.dice.once(in: 4) {
            (type, namespace, name, object) = (target.type, target.namespace, target.name, target.value)
        } else {
            type = anyType()
            (namespace, name) = (type.isNamespaced ? "default" : "", anyName(type))
            object = maker.object(type, name: name, namespace: namespace)
            object["metadata"]["uid"] = "5e9b1a6e-0000-4000-8000-000000000001"
            object["metadata"]["creationTimestamp"] = .string(Timestamp.now())
        }
        let calmness = maker.calmness
        maker.calmness = 3
        for _ in 0..<3 { maker.mutate(&object, type.schema.schema) }
        maker.calmness = calmness
        guard case .object = object else { return }
        _ = await perform(
            Operation(
                method: Operation.plant, target: "\(type.group)/\(type.name) " + (namespace.isEmpty ? name : "\(namespace)/\(name)"),
                body: JSON.encode(object)))
    }
}

// Patches between two states of an object.
extension ObjectMaker {
    /// A merge patch, here and there with what only a strategic one knows.
    mutating func difference(_ old: Value, _ new: Value, directives: Bool) -> Value {
        guard case .object(let before) = old, case .object(let after) = new else { return new }
        var patch = Value.emptyObject
        for (name, value) in after where before[name] != value {
            patch[name] = difference(before[name] ?? .null, value, directives: directives)
            if directives, case .array(let elements) = value, dice.once(in: 3) {
                patch["$setElementOrder/\(name)"] = .array(elements.shuffled(using: &dice))
            }
            if directives, dice.once(in: 4) { patch["$deleteFromPrimitiveList/\(name)"] = dice.pick([value, [], ["a"], "x"] as [Value]) }
        }
        for name in before.keys where after[name] == nil { patch.fields[name] = .null }
        if directives, dice.once(in: 6) { patch["$patch"] = .string(dice.pick(["replace", "delete", "merge", "x"])) }
        if directives, dice.once(in: 8) { patch["$retainKeys"] = .array(after.keys.prefix(3).map { .string($0) }) }
        return patch
    }

    /// One operation of a JSON patch.
    mutating func operation(on old: Value, _ new: Value) -> Value {
        let path = pointer(into: dice.once(in: 2) ? old : new)
        var operation: Value = [
            "op": .string(dice.pick(["add", "remove", "replace", "move", "copy", "test", "x"])), "path": .string(path),
        ]
        operation["from"] = .string(pointer(into: old))
        operation["value"] = dice.once(in: 2) ? extreme(.any(name: "")) : new["spec"]
        return operation
    }

    private mutating func pointer(into value: Value) -> String {
        switch value {
        case .object(let fields) where !fields.isEmpty && !dice.once(in: 5):
            let name = dice.pick(fields.keys)
            return "/" + name.replacing("~", with: "~0").replacing("/", with: "~1") + pointer(into: fields[name] ?? .null)
        case .array(let elements) where !elements.isEmpty && !dice.once(in: 5):
            let index = dice.number(0...elements.count - 1)
            return dice.once(in: 4)
                ? "/" + dice.pick(["-", "-1", "99", "9223372036854775808", "01"]) : "/\(index)" + pointer(into: elements[index])
        default: return dice.once(in: 3) ? "/" + dice.pick(Extremes.texts) : ""
        }
    }
}
