internal import APIModel

// What a controller watches, and what rules let it.
extension ManifestReader {
    func controller(_ value: Value, kind: ExtensionKind) throws -> ControllerManifest? {
        guard (kind == .controller) == !value.isNull else {
            throw error(
                kind == .controller ? "spec.controller: a Controller must say what it is for" : "spec.controller: only a Controller has it")
        }
        guard kind == .controller else { return nil }
        try allow(["for", "owns", "watches", "workers"], in: value, at: "spec.controller")
        let primary = try resources(value["for"], at: "spec.controller.for")
        let watches = try list(value["watches"], at: "spec.controller.watches").enumerated().flatMap { index, watch in
            let path = "spec.controller.watches[\(index)]"
            try allow(["resource", "map"], in: watch, at: path)
            let mapping = try choice(watch["map"], of: ControllerManifest.Mapping.self, default: .plugin, at: "\(path).map")
            if mapping == .ownership, watch["resource"].string == "*" {
                return Self.ownable.map { ControllerManifest.Watch(resource: $0, map: mapping) }
            }
            return [ControllerManifest.Watch(resource: try resource(watch["resource"], at: "\(path).resource"), map: mapping)]
        }
        guard !primary.isEmpty || watches.contains(where: { $0.map == .ownership }) else {
            throw error("spec.controller.for: must name at least one resource")
        }
        return ControllerManifest(
            for: primary, owns: try resources(value["owns"], at: "spec.controller.owns"), watches: watches,
            workers: try int(value["workers"], 1...64, default: 2, at: "spec.controller.workers"))
    }

    /// Every kind that can be owned and deleted, each in one version. Events are too many, and nobody's dependents.
    private static let ownable: [GroupVersionResource] = {
        var seen: Set<String> = ["events", "events.events.k8s.io"]
        return Catalogue.builtin.resources.filter { resource in
            Set(["list", "watch", "delete"]).isSubset(of: resource.verbs) && seen.insert(resource.qualifiedName).inserted
        }.map(\.groupVersionResource)
    }()

    func rule(_ value: Value, at path: String) throws -> Value {
        let lists = ["apiGroups", "resources", "verbs", "resourceNames", "nonResourceURLs"]
        try allow(lists, in: value, at: path)
        for name in lists {
            for (index, element) in try list(value[name], at: "\(path).\(name)").enumerated() {
                // The core group's name is the one empty string that means something.
                guard element.string != nil else { throw error("\(path).\(name)[\(index)]: must be a string") }
            }
        }
        guard !value["verbs"].elements.isEmpty else { throw error("\(path).verbs: must not be empty") }
        return value
    }

    /// Whether `rules` let their owner read all of a kind. The shared cache asks nobody, so the manifest must.
    func grants(_ rules: [Value], _ resource: GroupVersionResource) -> Bool {
        ["get", "list", "watch"].allSatisfy { verb in
            rules.contains { rule in
                func has(_ field: String, _ wanted: String) -> Bool {
                    rule[field].elements.contains { $0.string == wanted || $0.string == "*" }
                }
                return has("apiGroups", resource.group) && has("resources", resource.resource) && has("verbs", verb)
                    && rule["resourceNames"].elements.isEmpty
            }
        }
    }
}
