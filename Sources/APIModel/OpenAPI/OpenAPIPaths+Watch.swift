internal import OrderedCollections

/// Paths that only look: what a version has, and watches at paths of their own, which clients of long ago ask for.
extension OpenAPIPaths {
    /// Which resources there are in a group and version.
    func resourceList(_ speaker: Speaker) -> Value {
        let name = "get\(speaker.stem)APIResources"
        return [
            "get": reading(
                name, Self.resourceList, ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"], speaker)
        ]
    }

    /// A resource's watches: of one object, of a collection, and of all namespaces.
    func watches(_ resource: ResourceType, root: String, noun: String, _ speaker: Speaker) -> Value.Fields {
        let base = "\(root)/watch/" + (resource.isNamespaced ? "namespaces/{namespace}/" : "") + resource.name
        var items: Value.Fields = [:]
        guard resource.verbs.contains("watch") else { return items }
        func add(_ path: String, _ noun: String, _ action: String) {
            var operation = reading("watch\(speaker.stem)\(noun)", Self.watchEvent, speaker.written + speaker.watched, speaker)
            operation["x-kubernetes-action"] = .string(action)
            operation["x-kubernetes-group-version-kind"] = OpenAPI.value(resource.groupVersionKind)
            let query = (Self.selection + [("pretty", "string")]).map { parameter($0.0, in: "query", type: $0.1) }
            items[path] = ["get": operation, "parameters": .array(parameters(of: path) + query)]
        }
        add(base, noun + "List", "watchlist")
        if resource.verbs.contains("get") { add("\(base)/{name}", noun, "watch") }
        if resource.isNamespaced { add("\(root)/watch/\(resource.name)", resource.kind + "ListForAllNamespaces", "watchlist") }
        return items
    }

    private func reading(_ name: String, _ type: String, _ forms: [String], _ speaker: Speaker) -> Value {
        var operation: Value = ["tags": [.string(speaker.tag)], "operationId": .string(name)]
        var answer: Value = ["description": "OK"]
        switch form {
        case .v3: answer["content"] = content(forms, form.reference(type))
        case .v2:
            answer["schema"] = form.reference(type)
            operation["consumes"] = Value(speaker.read)
            operation["produces"] = Value(forms)
            operation["schemes"] = ["https"]
        }
        operation["responses"] = ["200": answer, "401": ["description": "Unauthorized"]]
        return operation
    }
}
