internal import APIModel
internal import FoundationEssentials

/// Reads manifests. Whatever it does not know it refuses, naming the file and the key: a typo must not become a default.
struct ManifestReader {
    /// Of the document at hand: what errors name. Empty for an object of the API, which names itself.
    let file: String

    /// Every manifest of a directory (`*.yaml`, `*.yml`), by file name. Files may hold several documents.
    /// - Throws: `PluginError`, also for two manifests of one name.
    static func read(directory: String) throws -> [(manifest: PluginManifest, document: Value)] {
        let files: [String]
        do {
            files = try FileManager.default.contentsOfDirectory(atPath: directory).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
                .sorted()
        } catch {
            throw PluginError(
                .invalidManifest, plugin: directory, "cannot read the manifest directory: \(error.localizedReason)", cause: error)
        }
        var manifests: [(manifest: PluginManifest, document: Value)] = []
        for file in files {
            let path = directory + "/" + file
            let documents: [Value]
            do {
                documents = try YAML.decode(String(contentsOfFile: path, encoding: .utf8))
            } catch {
                throw PluginError(.invalidManifest, plugin: path, "is not YAML: \(error)", cause: error)
            }
            let reader = ManifestReader(file: path)
            manifests += try documents.filter { !$0.isNull }.map { (try reader.manifest($0), $0) }
        }
        for (index, (manifest, _)) in manifests.enumerated() {
            guard let first = manifests[..<index].first(where: { $0.manifest.name == manifest.name })?.manifest else { continue }
            throw PluginError(.duplicateName, plugin: manifest.name, "two manifests have this name: \(first.file) and \(manifest.file)")
        }
        return manifests
    }

    func manifest(_ document: Value) throws -> PluginManifest {
        let metadata = document["metadata"]
        do {
            return try read(document, metadata)
        } catch let error as PluginError where file.isEmpty {
            throw PluginError(error.code, plugin: metadata["name"].string ?? "", error.message)
        }
    }

    private func read(_ document: Value, _ metadata: Value) throws -> PluginManifest {
        let isObject = file.isEmpty
        try allow(["apiVersion", "kind", "metadata", "spec"] + (isObject ? ["status"] : []), in: document, at: "")
        for (field, wanted) in [("apiVersion", "plugins.apus.dev/v1alpha1"), ("kind", "Plugin")] where document[field].string != wanted {
            throw error("\(field): must be \(wanted), not \(text(document[field]))")
        }
        // What else an object's metadata has is the API's.
        if !isObject { try allow(["name", "labels", "annotations"], in: metadata, at: "metadata") }
        let name = try string(metadata["name"], at: "metadata.name")
        guard isLabel(name) else { throw error("metadata.name: \"\(name)\" is not a DNS label") }

        let spec = document["spec"]
        try allow(
            [
                "kind", "library", "sha256", "component", "abi", "config", "required", "enabled", "weight", "isolation", "mode", "replaces",
                "deadlineSeconds", "limits",
                "controller", "policy", "admission", "rules",
            ], in: spec, at: "spec")
        let kind = try choice(spec["kind"], of: ExtensionKind.self, default: nil, at: "spec.kind")
        let library = try string(spec["library"], at: "spec.library")
        guard !library.contains("/"), library != ".", library != ".." else {
            throw error("spec.library: \"\(library)\" must be a file name without a directory")
        }
        let config = spec["config"]
        guard config.isNull || config.isObject else { throw error("spec.config: must be an object") }
        if kind != .schedulerPolicy, !spec["weight"].isNull { throw error("spec.weight: only a SchedulerPolicy has a weight") }
        let isolation = try choice(
            spec["isolation"], of: PluginManifest.Isolation.self, default: PluginManifest.Isolation.none, at: "spec.isolation")
        let rules = try list(spec["rules"], at: "spec.rules").enumerated().map { try rule($1, at: "spec.rules[\($0)]") }
        let controller = try self.controller(spec["controller"], kind: kind)
        let admission = try self.admission(spec["admission"], kind: kind)
        for resource in controller?.watched ?? [] where !grants(rules, resource) {
            throw error("spec.rules: must grant get, list and watch of \(resource), which spec.controller watches")
        }
        let policy = try self.policy(spec["policy"], kind: kind)
        for resource in policy?.watched ?? [] where !grants(rules, resource) {
            throw error("spec.rules: must grant get, list and watch of \(resource), which spec.policy watches")
        }
        let everything = GroupVersionResource(group: "*", version: "*", resource: "*")
        if controller?.watchesEverything == true, !grants(rules, everything) {
            throw error("spec.rules: must grant get, list and watch of all resources in all groups, which spec.controller watches")
        }
        let deadline =
            spec["deadlineSeconds"].isNull
            ? nil : Duration.seconds(try int(spec["deadlineSeconds"], 1...3600, default: 1, at: "spec.deadlineSeconds"))
        return PluginManifest(
            name: name, kind: kind, library: library, sha256: try sha256(spec["sha256"]),
            component: try spec["component"].isNull ? name : string(spec["component"], at: "spec.component"),
            abi: try spec["abi"].isNull ? nil : string(spec["abi"], at: "spec.abi"), config: config.isNull ? .emptyObject : config,
            required: try bool(spec["required"], default: false, at: "spec.required"),
            enabled: try bool(spec["enabled"], default: true, at: "spec.enabled"),
            weight: try int(spec["weight"], 1...100, default: 1, at: "spec.weight"), isolation: isolation,
            mode: try mode(spec["mode"], kind: kind),
            replaces: try replaces(spec["replaces"], name: name), deadline: deadline, limits: try limits(spec["limits"], isolation),
            controller: controller, policy: policy, admission: admission, rules: rules,
            eventSource: metadata["annotations"]["plugins.apus.dev/event-source"].string
                ?? "\(name)-\(kind == .controller ? "controller" : "plugin")",
            file: file, generation: metadata["generation"].int?.int64)
    }

    private func sha256(_ value: Value) throws -> String? {
        guard !value.isNull else { return nil }
        guard let text = value.string, text.utf8.count == 64,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else {
            throw error("spec.sha256: must be 64 hexadecimal digits in lower case")
        }
        return text
    }

    private func mode(_ value: Value, kind: ExtensionKind) throws -> PluginManifest.Mode {
        let mode = try choice(value, of: PluginManifest.Mode.self, default: .active, at: "spec.mode")
        guard mode == .active || kind == .schedulerPolicy || kind == .admission else {
            throw error("spec.mode: only a SchedulerPolicy or an Admission can be a shadow")
        }
        return mode
    }

    private func replaces(_ value: Value, name: String) throws -> String? {
        guard !value.isNull else { return nil }
        let other = try string(value, at: "spec.replaces")
        guard isLabel(other) else { throw error("spec.replaces: \"\(other)\" is not a DNS label") }
        guard other != name else { throw error("spec.replaces: a plugin cannot replace itself") }
        return other
    }

    private func limits(_ value: Value, _ isolation: PluginManifest.Isolation) throws -> PluginManifest.Limits {
        guard !value.isNull else { return PluginManifest.Limits() }
        guard isolation == .process else { throw error("spec.limits: only a plugin with isolation Process can be limited") }
        try allow(["memory", "cpu", "processes", "openFiles"], in: value, at: "spec.limits")
        var limits = PluginManifest.Limits()
        if !value["memory"].isNull {
            guard let memory = quantity(value["memory"]), Self.memory.contains(memory.value) else {
                throw error("spec.limits.memory: must be a quantity from 1Mi to 1Pi")
            }
            limits.memory = memory.value.int64
        }
        if !value["cpu"].isNull {
            guard let cpu = quantity(value["cpu"]), Self.cpu.contains(cpu.milliValue) else {
                throw error("spec.limits.cpu: must be a quantity from 10m to 1024")
            }
            limits.cpu = Int(cpu.milliValue)
        }
        if !value["processes"].isNull {
            limits.processes = try int(value["processes"], 0...65_536, default: 0, at: "spec.limits.processes")
        }
        if !value["cpu"].isNull {
            guard let cpu = quantity(value["cpu"]), Self.cpu.contains(cpu.milliValue) else {
                throw error("spec.limits.cpu: must be a quantity from 10m to 1024")
            }
            limits.cpu = Int(cpu.milliValue)
        }
        if !value["processes"].isNull {
            limits.processes = try int(value["processes"], 0...65_536, default: 0, at: "spec.limits.processes")
        }
        if !value["openFiles"].isNull {
            limits.openFiles = try int(value["openFiles"], 16...1_048_576, default: 16, at: "spec.limits.openFiles")
        }
        return limits
    }

    private func quantity(_ value: Value) -> Quantity? {
        try? Quantity(value.string ?? value.int.map(String.init) ?? "")
    }

    private static let memory: ClosedRange<Whole> = 1 << 20...1 << 50
    private static let cpu: ClosedRange<Whole> = 10...1_024_000
}

extension Error {
    fileprivate var localizedReason: String { (self as? CocoaError)?.userInfo["NSUnderlyingError"].map { "\($0)" } ?? "\(self)" }
}
