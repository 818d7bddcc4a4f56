import APIModel
import Crypto

/// By what clients tell that the objects of several versions are kept as one, in discovery.
enum StorageVersionHash {
    /// Of the objects of a custom kind, in each of its versions: that of the version they are kept in, as long as it is served.
    static func noted(_ resources: [ResourceType]) -> [ResourceType] {
        let kept = resources.first { $0.version == $0.custom?.storageVersion && !$0.verbs.isEmpty }
        let hash = kept.map { of(group: $0.group, version: $0.version, kind: $0.kind) }
        return resources.map { resource in
            var resource = resource
            resource.storageVersionHash = hash
            return resource
        }
    }

    private static func of(group: String, version: String, kind: String) -> String {
        Base64.encode(Array(SHA256.hash(data: Array("\(group)/\(version)/\(kind)".utf8)).prefix(8)))
    }
}
