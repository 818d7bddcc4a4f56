internal import OrderedCollections

/// The paths of resources and what can be done there.
struct OpenAPIPaths {
    let form: OpenAPI.Form
    let catalogue: Catalogue

    private struct Operation {
        var method: String
        var verb: String
        var action: String
    }

    private static let collection = [
        Operation(method: "get", verb: "list", action: "list"), Operation(method: "post", verb: "create", action: "post"),
        Operation(method: "delete", verb: "deletecollection", action: "deletecollection"),
    ]
    private static let item = [
        Operation(method: "get", verb: "get", action: "get"), Operation(method: "put", verb: "update", action: "put"),
        Operation(method: "patch", verb: "patch", action: "patch"), Operation(method: "delete", verb: "delete", action: "delete"),
    ]
    /// A subresource such as `pods/binding` is created at the item's path.
    private static let subresource = item + [Operation(method: "post", verb: "create", action: "post")]
    /// Subresources that lead to something else.
    private static let connections: Set = ["attach", "exec", "portforward", "proxy"]
    private static let connecting = [("get", "get"), ("post", "create"), ("put", "update"), ("patch", "patch"), ("delete", "delete")].map {
        Operation(method: $0.0, verb: $0.1, action: "connect")
    }

    private static let status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
    private static let deleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    private static let patch = "io.k8s.apimachinery.pkg.apis.meta.v1.Patch"

    /// Also the names of the types that the paths speak of.
    func paths(_ resources: [ResourceType]) -> (items: Value.Fields, types: [String]) {
        var items: Value.Fields = [:]
        var types: [String] = [Self.status, Self.deleteOptions]
        for resource in resources {
            let version = resource.groupVersion
            let root = version.group.isEmpty ? "/api/\(version.version)" : "/apis/\(version.group)/\(version.version)"
            let scope = resource.isNamespaced ? "\(root)/namespaces/{namespace}" : root
            let base = "\(scope)/\(resource.name)"
            let type = resource.schema.name
            let list =
                resource.custom == nil
                ? catalogue.type(of: GroupVersionKind(group: resource.group, version: resource.version, kind: resource.kind + "List"))?.name
                : type + "List"
            types += [type] + (list.map { [$0] } ?? [])

            let speaker = Speaker(resource)

            func add(
                _ path: String, _ operations: [Operation], _ verbs: [String], type: String?, list: String?, kind: GroupVersionKind,
                noun: String
            ) {
                var item: Value = .emptyObject
                for operation in operations where verbs.contains(operation.verb) {
                    item[operation.method] = self.operation(
                        operation, type: operation.verb == "list" ? list : type, body: type, kind: kind, noun: noun, speaker)
                }
                guard !item.isEmpty else { return }
                let variables = ["name", "namespace"].filter { path.contains("{\($0)}") }
                item["parameters"] = .array(
                    variables.map { parameter($0, in: "path", type: "string") } + [parameter("pretty", in: "query", type: "string")])
                items[path] = item
            }

            let kind = resource.groupVersionKind
            let noun = (resource.isNamespaced ? "Namespaced" : "") + resource.kind
            add(base, Self.collection, resource.verbs, type: type, list: list, kind: kind, noun: noun)
            add("\(base)/{name}", Self.item, resource.verbs, type: type, list: nil, kind: kind, noun: noun)
            if resource.isNamespaced, resource.verbs.contains("list") {
                add(
                    "\(root)/\(resource.name)", [Self.collection[0]], ["list"], type: type, list: list, kind: kind,
                    noun: resource.kind + "ForAllNamespaces")
            }
            for part in resource.subresources {
                let partType = catalogue.type(of: part.kind)?.name
                if let partType { types.append(partType) }
                add(
                    "\(base)/{name}/\(part.name)", Self.connections.contains(part.name) ? Self.connecting : Self.subresource, part.verbs,
                    type: partType, list: nil, kind: part.kind, noun: noun + Self.capitalized(part.name))
            }
        }
        items.sort { $0.key < $1.key }
        if form == .v3 { types.append(Self.patch) }
        return (items, types)
    }

    /// How the operations on a resource are named, and what they speak.
    private struct Speaker {
        /// `CoreV1`
        let stem: String
        /// Under which operations are gathered: `core_v1`.
        let tag: String
        let read: [String]
        let written: [String]
        let watched: [String]
        let patches: [String]

        init(_ resource: ResourceType) {
            let isCustom = resource.custom != nil
            let title = OpenAPIPaths.title(resource.group)
            stem = title + OpenAPIPaths.capitalized(resource.version)
            tag = "\(title.prefix(1).lowercased())\(title.dropFirst())_\(resource.version)"
            let own = ["application/json", "application/yaml"]
            read = isCustom ? own : ["*/*"]
            written = own + (isCustom ? [] : ["application/vnd.kubernetes.protobuf"])
            watched = ["application/json;stream=watch"] + (isCustom ? [] : ["application/vnd.kubernetes.protobuf;stream=watch"])
            patches =
                ["application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json"]
                + (isCustom ? [] : ["application/strategic-merge-patch+json"])
        }
    }

    private func operation(
        _ operation: Operation, type: String?, body: String?, kind: GroupVersionKind, noun: String, _ speaker: Speaker
    ) -> Value {
        if operation.action == "connect" { return connection(operation, kind, noun, speaker) }
        let result: String? = operation.verb == "delete" || operation.verb == "deletecollection" ? Self.status : type
        var parameters = Self.query[operation.verb]?.map { parameter($0.0, in: "query", type: $0.1) } ?? []
        let bodyType: String? =
            switch operation.verb {
            case "create", "update": body
            case "patch": Self.patch
            case "delete", "deletecollection": Self.deleteOptions
            default: nil
            }
        let name =
            switch operation.verb {
            case "update": "replace" + speaker.stem + noun
            case "get": "read" + speaker.stem + noun
            case "deletecollection": "delete" + speaker.stem + "Collection" + noun
            default: operation.verb + speaker.stem + noun
            }
        var value: Value = [
            "tags": [.string(speaker.tag)], "operationId": .string(name), "x-kubernetes-action": .string(operation.action),
            "x-kubernetes-group-version-kind": OpenAPI.value(kind),
        ]
        let written = speaker.written + (operation.verb == "list" ? speaker.watched : [])
        let read = operation.verb == "patch" ? speaker.patches : speaker.read
        let schema: Value = result.map(form.reference) ?? ["type": "string"]
        var codes = ["200"]
        if operation.verb == "create" { codes += ["201", "202"] }
        if operation.verb == "update" || operation.verb == "patch" { codes.append("201") }
        if operation.verb == "delete" { codes.append("202") }
        var responses: Value = .emptyObject
        switch form {
        case .v3:
            for code in codes {
                responses[code] = ["description": .string(Self.meanings[code] ?? ""), "content": content(written, schema)]
            }
            if let bodyType {
                value["requestBody"] = [
                    "required": operation.method == "delete" ? .null : true, "content": content(read, form.reference(bodyType)),
                ]
            }
        case .v2:
            for code in codes { responses[code] = ["description": .string(Self.meanings[code] ?? ""), "schema": schema] }
            if let bodyType {
                parameters.insert(
                    [
                        "name": "body", "in": "body", "required": operation.method == "delete" ? .null : true,
                        "schema": form.reference(bodyType),
                    ], at: 0)
            }
            value["consumes"] = Value(read)
            value["produces"] = Value(written)
            value["schemes"] = ["https"]
        }
        responses["401"] = ["description": "Unauthorized"]
        if !parameters.isEmpty { value["parameters"] = .array(parameters) }
        value["responses"] = responses
        return value
    }

    /// Through the server to something else, which says itself what it speaks.
    private func connection(_ operation: Operation, _ kind: GroupVersionKind, _ noun: String, _ speaker: Speaker) -> Value {
        let name = "connect\(speaker.stem)\(Self.capitalized(operation.method))\(noun)"
        var value: Value = [
            "tags": [.string(speaker.tag)], "operationId": .string(name), "x-kubernetes-action": "connect",
            "x-kubernetes-group-version-kind": OpenAPI.value(kind),
        ]
        let (text, any): (Value, [String]) = (["type": "string"], ["*/*"])
        var answer: Value = ["description": "OK"]
        switch form {
        case .v3: answer["content"] = content(any, text)
        case .v2:
            answer["schema"] = text
            value["consumes"] = Value(any)
            value["produces"] = Value(any)
            value["schemes"] = ["https"]
        }
        value["responses"] = ["200": answer, "401": ["description": "Unauthorized"]]
        return value
    }

    fileprivate static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    private func content(_ types: [String], _ schema: Value) -> Value {
        .object(Value.Fields(uniqueKeysWithValues: types.map { ($0, ["schema": schema]) }))
    }

    private func parameter(_ name: String, in place: String, type: String) -> Value {
        var parameter: Value = ["name": .string(name), "in": .string(place), "uniqueItems": true]
        if place == "path" { parameter["required"] = true }
        if form == .v3 {
            parameter["uniqueItems"] = .null
            parameter["schema"] = ["type": .string(type), "uniqueItems": true]
        } else {
            parameter["type"] = .string(type)
        }
        return parameter
    }

    /// `RbacAuthorization` for `rbac.authorization.k8s.io`.
    fileprivate static func title(_ group: String) -> String {
        let name = group.isEmpty ? "core" : group.hasSuffix(".k8s.io") ? String(group.dropLast(7)) : group
        return name.split(separator: ".").map { capitalized(String($0)) }.joined()
    }

    private static let meanings = ["200": "OK", "201": "Created", "202": "Accepted"]

    private static let selection: [(String, String)] = [
        ("allowWatchBookmarks", "boolean"), ("continue", "string"), ("fieldSelector", "string"), ("labelSelector", "string"),
        ("limit", "integer"), ("resourceVersion", "string"),
        ("resourceVersionMatch", "string"), ("sendInitialEvents", "boolean"), ("timeoutSeconds", "integer"), ("watch", "boolean"),
    ]
    private static let deletion: [(String, String)] = [
        ("dryRun", "string"), ("gracePeriodSeconds", "integer"), ("ignoreStoreReadErrorWithClusterBreakingPotential", "boolean"),
        ("orphanDependents", "boolean"),
        ("propagationPolicy", "string"),
    ]
    private static let writing: [(String, String)] = [("dryRun", "string"), ("fieldManager", "string"), ("fieldValidation", "string")]

    private static let query: [String: [(String, String)]] = [
        "list": selection, "create": writing, "update": writing, "patch": writing + [("force", "boolean")], "delete": deletion,
        "deletecollection": deletion + selection.filter { !["allowWatchBookmarks", "watch"].contains($0.0) },
    ]
}
