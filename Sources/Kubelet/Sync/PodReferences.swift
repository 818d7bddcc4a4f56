import APIModel
import Client

/// Reads what a pod refers to by name. Every call asks the API, which is cheap in process and current everywhere; a sync asks once for each
/// object.
struct PodReferences: Sendable {
    let client: any Client
    let namespace: String

    /// `nil` when it does not exist and `optional`. Throws `ConfigurationError` otherwise, in upstream's words.
    func configMap(_ name: String, optional: Bool) async throws -> Value? { try await read(.configMaps, "configmap", name, optional) }
    func secret(_ name: String, optional: Bool) async throws -> Value? { try await read(.secrets, "secret", name, optional) }

    private func read(_ resource: GroupVersionResource, _ kind: String, _ name: String, _ optional: Bool) async throws -> Value? {
        do {
            return try await client.get(resource, namespace: namespace, name: name).value
        } catch let error as APIError {
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
