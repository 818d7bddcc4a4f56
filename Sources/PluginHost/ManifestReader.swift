internal import APIModel
internal import FoundationEssentials
internal import OrderedCollections

/// Reads manifests. Whatever it does not know it refuses, naming the file and the key: a typo must not become a default.
struct ManifestReader {
    /// The document at hand: what errors name.
    let file: String

    /// Every manifest of a directory (`*.yaml`, `*.yml`), by file name. Files may hold several documents.
    /// - Throws: `PluginError`, also for two manifests of one name.
    static func read(directory: String) throws -> [PluginManifest] {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
        } catch {
            throw PluginError(.invalidManifest, plugin: directory, "cannot read the manifest directory: \(error.localizedReason)", cause: error)
        }
        var manifests: [PluginManifest] = []
        for file in files {
            let path = directory + "/" + file
            let documents: [Value]
            do {
                documents = try YAML.decode(String(contentsOfFile: path, encoding: .utf8))
            } catch {
                throw PluginError(.invalidManifest, plugin: path, "is not YAML: \(error)", cause: error)
            }
            manifests += try documents.filter { !$0.isNull }.map(ManifestReader(file: path).manifest)
        }
        for (index, manifest) in manifests.enumerated() {
            guard let first = manifests[..<index].first(where: { $0.name == manifest.name }) else { continue }
            throw PluginError(.duplicateName, plugin: manifest.name, "two manifests have this name: \(first.file) and \(manifest.file)")
        }
        return manifests
    }

    func manifest(_ document: Value) throws -> PluginManifest {
        try allow(["apiVersion", "kind", "metadata", "spec"], in: document, at: "")
        guard document["apiVersion"].string == "plugins.apus.dev/v1alpha1", document["kind"].string == "Plugin" else {
            throw error("apiVersion and kind must be plugins.apus.dev/v1alpha1 and Plugin, not \(text(document["apiVersion"])) and \(text(document["kind"]))")
        }
        let metadata = document["metadata"]
        let spec = document["spec"]
        try allow(["name", "labels", "annotations"], in: metadata, at: "metadata")
        try allow(["kind", "library", "component", "abi", "config", "required", "enabled", "weight", "controller", "rules"], in: spec, at: "spec")

        let name = try string(metadata["name"], at: "metadata.name")
        guard isLabel(name) else { throw error("metadata.name: \"\(name)\" is not a DNS label") }
        let kindName = try string(spec["kind"], at: "spec.kind")
        guard let kind = ExtensionKind(rawValue: kindName) else {
            throw error("spec.kind: \"\(kindName)\" is none of \(ExtensionKind.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        let library = try string(spec["library"], at: "spec.library")
        guard !library.contains("/"), library != ".", library != ".." else { throw error("spec.library: \"\(library)\" must be a file name without a directory") }
        let config = spec["config"]
        guard config.isNull || config.isObject else { throw error("spec.config: must be an object") }
        if kind != .schedulerPolicy, !spec["weight"].isNull { throw error("spec.weight: only a SchedulerPolicy has a weight") }
        let rules = try list(spec["rules"], at: "spec.rules").enumerated().map { try rule($1, at: "spec.rules[\($0)]") }
        let controller = try self.controller(spec["controller"], kind: kind)
        for resource in controller?.watched ?? [] where !Self.grants(rules, resource) {
            throw error("spec.rules: must grant get, list and watch of \(resource), which spec.controller watches")
        }
        return PluginManifest(
            name: name, kind: kind, library: library, component: try spec["component"].isNull ? name : string(spec["component"], at: "spec.component"),
            abi: try spec["abi"].isNull ? nil : string(spec["abi"], at: "spec.abi"), config: config.isNull ? .emptyObject : config,
            required: try bool(spec["required"], default: false, at: "spec.required"), enabled: try bool(spec["enabled"], default: true, at: "spec.enabled"),
            weight: try int(spec["weight"], 1...100, default: 1, at: "spec.weight"), controller: controller, rules: rules, file: file)
    }

    private func controller(_ value: Value, kind: ExtensionKind) throws -> ControllerManifest? {
        guard (kind == .controller) == !value.isNull else {
            throw error(kind == .controller ? "spec.controller: a Controller must say what it is for" : "spec.controller: only a Controller has it")
        }
        guard kind == .controller else { return nil }
        try allow(["for", "owns", "watches", "workers"], in: value, at: "spec.controller")
        let primary = try resources(value["for"], at: "spec.controller.for")
        let watches = try list(value["watches"], at: "spec.controller.watches").enumerated().flatMap { index, watch in
            let path = "spec.controller.watches[\(index)]"
            try allow(["resource", "map"], in: watch, at: path)
            let name = try watch["map"].isNull ? ControllerManifest.Mapping.plugin.rawValue : string(watch["map"], at: "\(path).map")
            guard let mapping = ControllerManifest.Mapping(rawValue: name) else {
                throw error("\(path).map: \"\(name)\" is none of \(ControllerManifest.Mapping.allCases.map(\.rawValue).joined(separator: ", "))")
            }
            if mapping == .ownership, watch["resource"].string == "*" { return Self.ownable.map { ControllerManifest.Watch(resource: $0, map: mapping) } }
            return [ControllerManifest.Watch(resource: try resource(watch["resource"], at: "\(path).resource"), map: mapping)]
        }
        guard !primary.isEmpty || watches.contains(where: { $0.map == .ownership }) else { throw error("spec.controller.for: must name at least one resource") }
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

    private func rule(_ value: Value, at path: String) throws -> Value {
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
    private static func grants(_ rules: [Value], _ resource: GroupVersionResource) -> Bool {
        ["get", "list", "watch"].allSatisfy { verb in
            rules.contains { rule in
                func has(_ field: String, _ wanted: String) -> Bool { rule[field].elements.contains { $0.string == wanted || $0.string == "*" } }
                return has("apiGroups", resource.group) && has("resources", resource.resource) && has("verbs", verb) && rule["resourceNames"].elements.isEmpty
            }
        }
    }
}

extension ManifestReader {
    private func allow(_ known: [String], in value: Value, at path: String) throws {
        guard value.isObject else { throw error("\(path.isEmpty ? "the document" : path): must be an object") }
        for (key, _) in value.fields where !known.contains(key) {
            throw error("unknown key \(path.isEmpty ? key : "\(path).\(key)"); known here are \(known.joined(separator: ", "))")
        }
    }

    private func string(_ value: Value, at path: String) throws -> String {
        guard let string = value.string, !string.isEmpty else { throw error("\(path): must be a string that is not empty") }
        return string
    }

    private func bool(_ value: Value, default fallback: Bool, at path: String) throws -> Bool {
        if value.isNull { return fallback }
        guard let bool = value.bool else { throw error("\(path): must be true or false") }
        return bool
    }

    private func int(_ value: Value, _ range: ClosedRange<Int>, default fallback: Int, at path: String) throws -> Int {
        if value.isNull { return fallback }
        guard let int = value.int, range.contains(Int(int)) else { throw error("\(path): must be a number from \(range.lowerBound) to \(range.upperBound)") }
        return Int(int)
    }

    private func list(_ value: Value, at path: String) throws -> [Value] {
        switch value {
        case .null: return []
        case .array(let elements): return elements
        default: throw error("\(path): must be a list")
        }
    }

    private func resources(_ value: Value, at path: String) throws -> [GroupVersionResource] {
        try list(value, at: path).enumerated().map { try resource($1, at: "\(path)[\($0)]") }
    }

    private func resource(_ value: Value, at path: String) throws -> GroupVersionResource {
        guard let resource = GroupVersionResource(try string(value, at: path)) else {
            throw error("\(path): \(text(value)) is not of the form group/version/plural or version/plural")
        }
        return resource
    }

    private func isLabel(_ name: String) -> Bool {
        name.utf8.count <= 63 && name.first != "-" && name.last != "-" && name.utf8.allSatisfy { (0x61...0x7a).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2d }
    }

    private func text(_ value: Value) -> String { String(decoding: JSON.encode(value), as: UTF8.self) }
    private func error(_ message: String) -> PluginError { PluginError(.invalidManifest, plugin: file, message) }
}

extension Value {
    fileprivate var isObject: Bool { if case .object = self { true } else { false } }
}

extension Error {
    fileprivate var localizedReason: String { (self as? CocoaError)?.userInfo["NSUnderlyingError"].map { "\($0)" } ?? "\(self)" }
}
