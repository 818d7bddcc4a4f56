import APIModel
import Glibc
import OrderedCollections

/// Works out the files of the volumes that show API objects: config map, secret, downward API, projected, service-account token.
struct VolumeFiles {
    let pod: Pod
    let references: PodReferences
    let fields: FieldReference
    let tokens: ServiceAccountTokens

    typealias Payload = [String: AtomicWriter.File]

    /// `nil` when the volume is of another kind.
    func payload(of volume: Value) async throws -> Payload? {
        for (kind, make) in Self.kinds where !volume[kind].isNull {
            let source = volume[kind]
            return try await make(self, source, mode(source["defaultMode"]) ?? 0o644)
        }
        return nil
    }

    private typealias Maker = @Sendable (VolumeFiles, Value, mode_t) async throws -> Payload
    private static let kinds: [(String, Maker)] = [
        ("configMap", { files, source, mode in try await files.configMap(source, name: source.name, mode: mode) }),
        ("secret", { files, source, mode in try await files.secret(source, name: source["secretName"].string ?? "", mode: mode) }),
        ("downwardAPI", { files, source, mode in try files.downwardAPI(source, mode: mode) }),
        ("projected", { files, source, mode in try await files.projected(source, mode: mode) }),
    ]

    private func mode(_ value: Value) -> mode_t? { value.int.map { mode_t(truncatingIfNeeded: $0.int64) } }

    private func configMap(_ source: Value, name: String, mode: mode_t) async throws -> Payload {
        let isOptional = source["optional"].bool == true
        guard let object = try await references.configMap(name, optional: isOptional) else { return [:] }
        return try select(PodReferences.contents(object), source, mode, isOptional) {
            "configmap references non-existent config key: \($0)"
        }
    }

    private func secret(_ source: Value, name: String, mode: mode_t) async throws -> Payload {
        let isOptional = source["optional"].bool == true
        guard let object = try await references.secret(name, optional: isOptional) else { return [:] }
        return try select(PodReferences.decoded(object), source, mode, isOptional) { "references non-existent secret key: \($0)" }
    }

    /// All keys as files, or those that `items` names, at the paths it gives them.
    private func select(_ data: [String: [UInt8]], _ source: Value, _ mode: mode_t, _ isOptional: Bool, _ missing: (String) -> String)
        throws -> Payload
    {
        let items = source["items"].elements
        if items.isEmpty { return data.mapValues { AtomicWriter.File(bytes: $0, mode: mode) } }
        var payload: Payload = [:]
        for item in items {
            let key = item["key"].string ?? ""
            guard let bytes = data[key] else {
                if isOptional { continue }
                throw ConfigurationError(message: missing(key))
            }
            payload[item["path"].string ?? key] = AtomicWriter.File(bytes: bytes, mode: self.mode(item["mode"]) ?? mode)
        }
        return payload
    }

    private func downwardAPI(_ source: Value, mode: mode_t) throws -> Payload {
        var payload: Payload = [:]
        for item in source["items"].elements {
            let text: String
            if let path = item[path: "fieldRef", "fieldPath"].string {
                text = try fields.field(path)
            } else {
                let reference = item["resourceFieldRef"]
                let name = reference["containerName"].string ?? ""
                guard let container = pod.container(name) else { throw ConfigurationError(message: "container \(name) not found") }
                text = try fields.resource(reference, container: container)
            }
            payload[item["path"].string ?? ""] = AtomicWriter.File(bytes: Array(text.utf8), mode: self.mode(item["mode"]) ?? mode)
        }
        return payload
    }

    private func projected(_ source: Value, mode: mode_t) async throws -> Payload {
        var payload: Payload = [:]
        for part in source["sources"].elements {
            let files: Payload
            if !part["configMap"].isNull {
                files = try await configMap(part["configMap"], name: part["configMap"].name, mode: mode)
            } else if !part["secret"].isNull {
                files = try await secret(part["secret"], name: part["secret"].name, mode: mode)
            } else if !part["downwardAPI"].isNull {
                files = try downwardAPI(part["downwardAPI"], mode: mode)
            } else if !part["serviceAccountToken"].isNull {
                files = try await token(part["serviceAccountToken"], mode: mode)
            } else {
                throw ConfigurationError(message: "projected volume source \"\(part.fields.keys.first ?? "")\" is not supported")
            }
            payload.merge(files) { $1 }
        }
        return payload
    }

    private func token(_ source: Value, mode: mode_t) async throws -> Payload {
        let text = try await tokens.token(
            for: pod, audience: source["audience"].string ?? "", seconds: source["expirationSeconds"].int ?? 3600)
        let user = self.user
        let isForThemAlone = user != nil || pod.spec[path: "securityContext", "fsGroup"].int != nil
        return [
            source["path"].string ?? "token": AtomicWriter.File(bytes: Array(text.utf8), mode: isForThemAlone ? 0o600 : mode, user: user)
        ]
    }

    /// The user that all containers of the pod run as, `nil` when they do not say so or do not agree. Upstream: `FsUserFrom`.
    private var user: Int64? {
        let users = Set(
            pod.allContainers.map { $0[path: "securityContext", "runAsUser"].int ?? pod.spec[path: "securityContext", "runAsUser"].int })
        return users.count == 1 ? users.first??.int64 : nil
    }
}
