import APIModel
import Client

/// Reads what a pod refers to by name. Every call asks the API, which is cheap in process and current everywhere; a sync asks once for each
/// object.
struct PodReferences: Sendable {
    let client: any Client
    let namespace: String
    /// Hears what was read: the object's version, empty when there is none.
    var read: @Sendable (_ reference: ReferenceWatches.Reference, _ resourceVersion: String) -> Void = { _, _ in }

    /// `nil` when it does not exist and `optional`. Throws `ConfigurationError` otherwise, in upstream's words.
    func configMap(_ name: String, optional: Bool) async throws -> Value? { try await ask(.configMaps, "configmap", name, optional) }
    func secret(_ name: String, optional: Bool) async throws -> Value? { try await ask(.secrets, "secret", name, optional) }

    private func ask(_ resource: GroupVersionResource, _ kind: String, _ name: String, _ optional: Bool) async throws -> Value? {
        let reference = ReferenceWatches.Reference(resource: resource, namespace: namespace, name: name)
        do {
            let object = try await client.get(resource, namespace: namespace, name: name)
            read(reference, object.resourceVersion)
            return object.value
        } catch let error as APIError {
            if error.reason == .notFound { read(reference, "") }
            guard error.reason == .notFound else { throw ConfigurationError(message: error.message) }
            if optional { return nil }
            throw ConfigurationError(message: "\(kind) \"\(name)\" not found")
        }
    }

    /// A secret's values. What is not base64, which the API does not let in, is left out.
    static func decoded(_ secret: Value) -> [String: [UInt8]] { secret["data"].strings.compactMapValues(Base64.decode) }

    /// A config map's values, binary ones included.
    static func contents(_ configMap: Value) -> [String: [UInt8]] {
        configMap["data"].strings.mapValues { Array($0.utf8) }.merging(configMap["binaryData"].strings.compactMapValues(Base64.decode)) {
            text, _ in text
        }
    }
}
