internal import OrderedCollections

/// The paths of resources and what can be done there.
struct OpenAPIPaths {
    let form: OpenAPI.Form
    let catalogue: Catalogue

    struct Operation {
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
    private static let status = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"
    private static let deleteOptions = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    static let watchEvent = "io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent"
    static let resourceList = "io.k8s.apimachinery.pkg.apis.meta.v1.APIResourceList"
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
                        operation, answer: answer(operation, type: type, list: list, resource), body: type, kind: kind, noun: noun, speaker)
                }
                guard !item.isEmpty else { return }
                item["parameters"] = .array(parameters(of: path) + [parameter("pretty", in: "query", type: "string")])
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
            // What a definition makes is watched as part of a list alone.
            if resource.custom == nil {
                types += [Self.watchEvent, Self.resourceList]
                items["\(root)/"] = resourceList(speaker)
                items.merge(watches(resource, root: root, noun: noun, speaker)) { _, new in new }
            }
            for part in resource.subresources {
                let path = "\(base)/{name}/\(part.name)"
                if OpenAPIConnections.names.contains(part.name) {
                    items.merge(connections(part, at: path, noun: noun, speaker)) { _, new in new }
                    continue
                }
                let partType = catalogue.type(of: part.kind)?.name
                if let partType { types.append(partType) }
                add(
                    path, Self.subresource, part.verbs, type: partType, list: nil, kind: part.kind, noun: noun + Self.capitalized(part.name)
                )
                if part.name == "log" { items[path] = text(items[path] ?? .emptyObject, of: "PodLogOptions") }
            }
        }
        items.sort { $0.key < $1.key }
        if form == .v3 { types.append(Self.patch) }
        return (items, types)
    }

    /// How the operations on a resource are named, and what they speak.
    struct Speaker {
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

    /// The type that an operation answers with.
    private func answer(_ operation: Operation, type: String?, list: String?, _ resource: ResourceType) -> String? {
        switch operation.verb {
        case "list": list
        case "deletecollection": Self.status
        case "delete": resource.returnsDeleted ? type : Self.status
        default: type
        }
    }

    private func operation(
        _ operation: Operation, answer result: String?, body: String?, kind: GroupVersionKind, noun: String, _ speaker: Speaker
    ) -> Value {
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

    /// Those that stand in the path.
    func parameters(of path: String) -> [Value] {
        ["name", "namespace", "path"].filter { path.contains("{\($0)}") }.map { parameter($0, in: "path", type: "string") }
    }

    static func capitalized(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() }

    func content(_ types: [String], _ schema: Value) -> Value {
        .object(Value.Fields(uniqueKeysWithValues: types.map { ($0, ["schema": schema]) }))
    }

    func parameter(_ name: String, in place: String, type: String) -> Value {
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
    static func title(_ group: String) -> String {
        let name = group.isEmpty ? "core" : group.hasSuffix(".k8s.io") ? String(group.dropLast(7)) : group
        return name.split(separator: ".").map { capitalized(String($0)) }.joined()
    }

    private static let meanings = ["200": "OK", "201": "Created", "202": "Accepted"]

    static let selection: [(String, String)] = [
        ("allowWatchBookmarks", "boolean"), ("continue", "string"), ("fieldSelector", "string"), ("labelSelector", "string"),
        ("limit", "integer"), ("resourceVersion", "string"),
        ("resourceVersionMatch", "string"), ("sendInitialEvents", "boolean"), ("shardSelector", "string"), ("timeoutSeconds", "integer"),
        ("watch", "boolean"),
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
