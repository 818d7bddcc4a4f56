internal import OrderedCollections

/// Subresources that lead to something else.
enum OpenAPIConnections {
    static let names: Set = ["attach", "exec", "portforward", "proxy"]

    /// By the verb that allows them. Whoever may look may ask how, too.
    static let methods = [
        "get": ["get", "head", "options"], "create": ["post"], "update": ["put"], "patch": ["patch"], "delete": ["delete"],
    ]
}

extension OpenAPIPaths {
    /// The path of a subresource, and for a proxy that of everything below it.
    func connections(_ part: ResourceType.Subresource, at path: String, noun: String, _ speaker: Speaker) -> Value.Fields {
        let isProxy = part.name == "proxy"
        let noun = noun + Self.capitalized(part.name)
        let methods = part.verbs.flatMap { OpenAPIConnections.methods[$0] ?? [] }.filter { isProxy || !["head", "options"].contains($0) }
        var items: Value.Fields = [:]
        for (path, noun) in [(path, noun)] + (isProxy ? [("\(path)/{path}", noun + "WithPath")] : []) {
            var item: Value = .emptyObject
            for method in methods { item[method] = connection(method, part.kind, noun, speaker) }
            item["parameters"] = .array(parameters(of: path) + options(part.kind))
            items[path] = item
        }
        return items
    }

    /// What is asked for in the query, as a kind of options says it.
    private func options(_ kind: GroupVersionKind) -> [Value] {
        (Catalogue.everything.type(of: kind)?.fields ?? []).filter { $0.number != 0 }.compactMap { field in
            let type: String? =
                switch field.type.element {
                case .string: "string"
                case .boolean: "boolean"
                case .int32, .int64: "integer"
                default: nil
                }
            return type.map { parameter(field.name, in: "query", type: $0) }
        }
    }

    /// Through the server to something else, which says itself what it speaks.
    private func connection(_ method: String, _ kind: GroupVersionKind, _ noun: String, _ speaker: Speaker) -> Value {
        let name = "connect\(speaker.stem)\(Self.capitalized(method))\(noun)"
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

    /// The path of something that answers with text and not with an object: what a container wrote.
    func text(_ item: Value, of options: String) -> Value {
        let plain: Value = ["type": "string"]
        var item = item
        switch form {
        case .v3:
            let forms = ["text/plain"] + Array(item["get"]["responses"]["200"]["content"].fields.keys)
            item["get"]["responses"]["200"]["content"] = content(forms, plain)
        case .v2:
            item["get"]["responses"]["200"]["schema"] = plain
            item["get"]["produces"] = .array(["text/plain"] + item["get"]["produces"].elements)
        }
        let kind = GroupVersionKind(group: "", version: "v1", kind: options)
        item["parameters"] = .array(item["parameters"].elements + self.options(kind))
        return item
    }
}
