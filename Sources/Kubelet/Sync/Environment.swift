import APIModel
import OrderedCollections

/// Puts together what a container finds in its environment. Upstream: `makeEnvironmentVariables`.
struct Environment {
    let pod: Pod
    let references: PodReferences
    let fields: FieldReference
    /// Variables of the services the container may see, in their order.
    let services: [(name: String, value: String)]
    /// Reads a file of a volume; `nil` when there is no such file.
    var file: @Sendable (_ volume: Volumes.Mounted, _ path: String) async throws -> [UInt8]? = { _, _ in nil }
    /// Where the pod's volumes are, for files with variables in them.
    var volumes: [String: Volumes.Mounted] = [:]

    /// The variables in order. Throws `ConfigurationError` when something referred to is missing, or there is more than a program can have.
    func variables(of container: Value) async throws -> [(name: String, value: String)] {
        var variables = OrderedVariables()
        for source in container["envFrom"].elements {
            try await add(source, to: &variables)
            try Self.check(variables)
        }
        let serviceValues = Dictionary(services.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
        for entry in container["env"].elements {
            let value: String
            if let plain = entry["value"].string, !plain.isEmpty {
                value = try Expansion.expand(plain, upTo: Expansion.limit - variables.size) { variables[$0] ?? serviceValues[$0] }
            } else if !entry["valueFrom"].isNull {
                guard let found = try await resolve(entry["valueFrom"], container) else { continue }
                value = found
            } else {
                value = ""
            }
            variables.set(entry.name, value)
            try Self.check(variables)
        }
        for service in services where variables[service.name] == nil { variables.set(service.name, service.value) }
        return variables.list
    }

    private static func check(_ variables: OrderedVariables) throws(ConfigurationError) {
        guard variables.size <= Expansion.limit else {
            throw ConfigurationError(message: "the environment is larger than \(Expansion.limit) bytes")
        }
    }

    private func add(_ source: Value, to variables: inout OrderedVariables) async throws {
        let prefix = source["prefix"].string ?? ""
        let data: [String: String]?
        if !source["configMapRef"].isNull {
            data = try await references.configMap(
                source["configMapRef"].name, optional: source[path: "configMapRef", "optional"].bool == true)?["data"].strings
        } else {
            data = try await references.secret(source["secretRef"].name, optional: source[path: "secretRef", "optional"].bool == true).map(
                PodReferences.decoded)?
                .mapValues { String(decoding: $0, as: UTF8.self) }
        }
        for (key, value) in (data ?? [:]).sorted(by: { $0.key < $1.key }) { variables.set(prefix + key, value) }
    }

    /// `nil` leaves the variable out, as an optional reference to nothing does.
    private func resolve(_ source: Value, _ container: Value) async throws -> String? {
        if let path = source[path: "fieldRef", "fieldPath"].string {
            do { return try fields.field(path) } catch { throw ConfigurationError(message: error.description) }
        }
        if !source["resourceFieldRef"].isNull {
            let reference = source["resourceFieldRef"]
            let named = reference["containerName"].string.flatMap { $0.isEmpty ? nil : pod.container($0) } ?? container
            do { return try fields.resource(reference, container: named) } catch { throw ConfigurationError(message: error.description) }
        }
        if !source["fileKeyRef"].isNull { return try await resolveFile(source["fileKeyRef"]) }
        let (reference, kind) =
            source["configMapKeyRef"].isNull ? (source["secretKeyRef"], "Secret") : (source["configMapKeyRef"], "ConfigMap")
        guard !reference.isNull else {
            throw ConfigurationError(message: "environment variable source \(source.fields.keys.joined(separator: ", ")) is not supported")
        }
        let key = reference["key"].string ?? ""
        let isOptional = reference["optional"].bool == true
        if kind == "ConfigMap" {
            guard let object = try await references.configMap(reference.name, optional: isOptional) else { return nil }
            if let value = object["data"][key].string { return value }
        } else {
            guard let object = try await references.secret(reference.name, optional: isOptional) else { return nil }
            if let value = PodReferences.decoded(object)[key] { return String(decoding: value, as: UTF8.self) }
        }
        if isOptional { return nil }
        throw ConfigurationError(message: "couldn't find key \(key) in \(kind) \(pod.namespace)/\(reference.name)")
    }

    private func resolveFile(_ reference: Value) async throws -> String? {
        let (name, path, key) = (reference["volumeName"].string ?? "", reference["path"].string ?? "", reference["key"].string ?? "")
        guard let volume = volumes[name] else {
            throw ConfigurationError(message: "cannot find the volume \"\(name)\" referenced by FileKeyRef")
        }
        guard let bytes = try await file(volume, path),
            let value = try? EnvironmentFile.value(of: key, in: String(decoding: bytes, as: UTF8.self))
        else { throw ConfigurationError(message: "couldn't parse env file") }
        if !value.isEmpty { return value }
        if reference["optional"].bool == true { return nil }
        throw ConfigurationError(message: "environment variable key \"\(key)\" not found in file \"\(volume.path)/\(path)\"")
    }
}

/// Variables by name in the order they came up; the last value counts.
struct OrderedVariables {
    private var positions: [String: Int] = [:]
    private(set) var list: [(name: String, value: String)] = []
    /// Bytes of all names and values.
    private(set) var size = 0

    subscript(_ name: String) -> String? { positions[name].map { list[$0].value } }

    mutating func set(_ name: String, _ value: String) {
        size += value.utf8.count
        if let position = positions[name] {
            size -= list[position].value.utf8.count
            list[position].value = value
        } else {
            size += name.utf8.count
            positions[name] = list.count
            list.append((name, value))
        }
    }
}

/// Why a container cannot be configured, which only a change of the pod or of what it refers to mends: `CreateContainerConfigError`.
struct ConfigurationError: Error, CustomStringConvertible {
    var message: String
    var description: String { message }
}
