internal import APIModel
internal import Client

// What a controller watches, and what rules let it.
extension ManifestReader {
    func controller(_ value: Value, kind: ExtensionKind) throws -> ControllerManifest? {
        guard (kind == .controller) == !value.isNull else {
            throw error(
                kind == .controller ? "spec.controller: a Controller must say what it is for" : "spec.controller: only a Controller has it")
        }
        guard kind == .controller else { return nil }
        try allow(["for", "filter", "keys", "owns", "watches", "indexes", "workers", "runsOn"], in: value, at: "spec.controller")
        let primary = try resources(value["for"], at: "spec.controller.for")
        let watches = try list(value["watches"], at: "spec.controller.watches").enumerated().map { index, value in
            try watch(value, at: "spec.controller.watches[\(index)]", primary)
        }
        guard !primary.isEmpty || watches.contains(where: { $0.map == .ownership }) else {
            throw error("spec.controller.for: must name at least one resource")
        }
        return ControllerManifest(
            for: primary, filter: try primaryFilter(value["filter"], hasPrimary: !primary.isEmpty),
            keys: try resources(value["keys"], at: "spec.controller.keys"),
            owns: try resources(value["owns"], at: "spec.controller.owns"), watches: watches,
            indexes: try list(value["indexes"], at: "spec.controller.indexes").enumerated().map {
                try index($1, at: "spec.controller.indexes[\($0)]")
            },
            workers: try int(value["workers"], 1...64, default: 2, at: "spec.controller.workers"),
            place: try choice(value["runsOn"], of: ControllerManifest.Place.self, default: .cluster, at: "spec.controller.runsOn"))
    }

    private func primaryFilter(_ value: Value, hasPrimary: Bool) throws -> WatchFilter {
        let path = "spec.controller.filter"
        guard !value.isNull else { return WatchFilter() }
        guard hasPrimary else { throw error("\(path): is for the kinds under spec.controller.for, and there is none") }
        try allow(Self.filters, in: value, at: path)
        return try filter(value, at: path)
    }

    private func watch(_ value: Value, at path: String, _ primary: [GroupVersionResource]) throws -> ControllerManifest.Watch {
        try allow(["resource", "map", "field", "through", "inNamespacesWith"] + Self.filters, in: value, at: path)
        let mapping = try mapping(value, at: path)
        guard !primary.isEmpty || mapping == .ownership || mapping == .plugin else {
            throw error("\(path).map: \(text(value["map"])) leads to the kind under spec.controller.for, and there is none")
        }
        let isEverything = value["resource"].string == "*"
        guard !isEverything || mapping == .ownership else { throw error("\(path).resource: only with map Ownership can it be \"*\"") }
        return ControllerManifest.Watch(
            resource: isEverything ? nil : try resource(value["resource"], at: "\(path).resource"), map: mapping,
            filter: try filter(value, at: path),
            inNamespacesWith: try neighbour(value["inNamespacesWith"], at: "\(path).inNamespacesWith", primary))
    }

    private func neighbour(_ value: Value, at path: String, _ primary: [GroupVersionResource]) throws -> GroupVersionResource? {
        guard !value.isNull else { return nil }
        let resource = try resource(value, at: path)
        guard primary.contains(resource) else { throw error("\(path): \(resource) is not under spec.controller.for") }
        return resource
    }

    private func mapping(_ value: Value, at path: String) throws -> ControllerManifest.Mapping {
        let name = try choice(value["map"], of: ControllerManifest.Mapping.Name.self, default: .plugin, at: "\(path).map")
        let takesField = [.selector, .index, .field].contains(name)
        guard takesField == !value["field"].isNull || name == .selector else {
            throw error(
                takesField ? "\(path).field: map \(name.rawValue) needs it" : "\(path).field: map \(name.rawValue) has no use for it")
        }
        guard value["through"].isNull || name == .owner else { throw error("\(path).through: map \(name.rawValue) has no use for it") }
        switch name {
        case .plugin: return .plugin
        case .sameName: return .sameName
        case .ownership: return .ownership
        case .owner: return .owner(through: value["through"].isNull ? nil : try resource(value["through"], at: "\(path).through"))
        case .selector:
            return .selector(value["field"].isNull ? ControllerManifest.selector : try singleField(value["field"], at: "\(path).field"))
        case .index: return .index(try objectPath(value["field"], at: "\(path).field"))
        case .field: return .field(try objectPath(value["field"], at: "\(path).field"))
        }
    }

    /// The fields that `filter` reads.
    static let filters = ["labelSelector", "fieldSelector", "events", "changes", "has"]

    func filter(_ value: Value, at path: String) throws -> WatchFilter {
        var filter = WatchFilter()
        if !value["labelSelector"].isNull {
            let text = try string(value["labelSelector"], at: "\(path).labelSelector")
            do { filter.labels = try LabelSelector(parsing: text) } catch { throw self.error("\(path).labelSelector: \(error.message)") }
        }
        if !value["fieldSelector"].isNull {
            let text = try string(value["fieldSelector"], at: "\(path).fieldSelector")
            let selector: FieldSelector
            do { selector = try FieldSelector(parsing: text) } catch { throw self.error("\(path).fieldSelector: \(error.message)") }
            filter.fields = try selector.requirements.map { requirement in
                WatchFilter.FieldTest(
                    path: try singleField(.string(requirement.field), at: "\(path).fieldSelector"), isEqual: requirement.isEqual,
                    value: requirement.value)
            }
        }
        let events = try list(value["events"], at: "\(path).events").enumerated().map {
            try choice($1, of: WatchFilter.Event.self, default: nil, at: "\(path).events[\($0)]")
        }
        if !events.isEmpty { filter.events = Set(events) }
        filter.changes = try objectPaths(value["changes"], at: "\(path).changes")
        filter.has = try objectPaths(value["has"], at: "\(path).has")
        return filter
    }

    private func index(_ value: Value, at path: String) throws -> ControllerManifest.Index {
        try allow(["resource", "field", "label"], in: value, at: path)
        guard value["field"].isNull != value["label"].isNull else { throw error("\(path): must have either a field or a label") }
        let resource = try resource(value["resource"], at: "\(path).resource")
        guard value["field"].isNull else {
            return ControllerManifest.Index(resource: resource, by: .field(try objectPath(value["field"], at: "\(path).field")))
        }
        let label = try string(value["label"], at: "\(path).label")
        return ControllerManifest.Index(resource: resource, by: label == "*" ? .labels : .label(label))
    }

    private func objectPaths(_ value: Value, at path: String) throws -> [ObjectPath] {
        try list(value, at: path).enumerated().map { try objectPath($1, at: "\(path)[\($0)]") }
    }

    private func objectPath(_ value: Value, at path: String) throws -> ObjectPath {
        guard let found = ObjectPath(try string(value, at: path)) else {
            throw error("\(path): \(text(value)) is not a path such as spec.nodeName or metadata.labels['app']")
        }
        return found
    }

    private func singleField(_ value: Value, at path: String) throws -> ObjectPath {
        let found = try objectPath(value, at: path)
        guard !found.isPlural else { throw error("\(path): \(text(value)) must be one field: there can be no [*] here") }
        return found
    }

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
