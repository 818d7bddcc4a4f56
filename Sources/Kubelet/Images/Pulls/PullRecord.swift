import APIModel
import OrderedCollections

/// An image that the kubelet pulled, as upstream's kind `ImagePulledRecord` has it.
struct PullRecord: Equatable, Sendable {
    /// The runtime's own name for it.
    var reference: String
    /// By the name that pods gave it, without tag and digest.
    var credentials: [String: PullCredentials] = [:]
    /// In seconds since 1970.
    var changedAt: Whole

    /// Notes what it was pulled with under a name; `nil` for what nobody knows, which lets no pod have it. Answers whether that is new.
    mutating func add(_ new: PullCredentials?, for name: String, at now: Whole) -> Bool {
        guard let new else { return false }
        var known = credentials[name] ?? PullCredentials()
        guard known.add(new) else { return false }
        credentials[name] = known
        changedAt = now
        return true
    }
}

extension PullRecord {
    private static let kind = "ImagePulledRecord"

    /// `nil` when it is none.
    init?(_ bytes: [UInt8]) {
        guard let value = PullFile.decode(bytes, Self.kind), let reference = value["imageRef"].string else { return nil }
        self.reference = reference
        changedAt = value["lastUpdatedTime"].string.flatMap { Timestamp.parse($0)?.seconds } ?? 0
        for (name, credentials) in value["credentialMapping"].fields { self.credentials[name] = PullCredentials(credentials) }
    }

    var bytes: [UInt8] {
        var mapping = Value.emptyObject
        for (name, credentials) in credentials.sorted(by: { $0.key < $1.key }) { mapping[name] = credentials.value }
        return PullFile.encode(
            [
                "lastUpdatedTime": .string(Timestamp.format(seconds: changedAt)), "imageRef": .string(reference),
                "credentialMapping": mapping,
            ], Self.kind)
    }
}

/// An image that the kubelet is about to pull, as upstream's kind `ImagePullIntent` has it.
enum PullIntent {
    private static let kind = "ImagePullIntent"

    /// The image, as a pod names it; `nil` when it is none.
    static func decode(_ bytes: [UInt8]) -> String? { PullFile.decode(bytes, kind)?["image"].string }
    static func encode(_ image: String) -> [UInt8] { PullFile.encode(["image": .string(image)], kind) }
}

/// A file that upstream's kubelet reads, too.
private enum PullFile {
    private static let group = "kubelet.config.k8s.io/"

    static func encode(_ fields: Value, _ kind: String) -> [UInt8] {
        var value: Value = ["kind": .string(kind), "apiVersion": .string(group + "v1beta1")]
        for (name, field) in fields.fields { value[name] = field }
        return JSON.encode(value)
    }

    static func decode(_ bytes: [UInt8], _ kind: String) -> Value? {
        guard let value = try? JSON.decode(bytes), value["kind"].string == kind,
            ["v1beta1", "v1alpha1"].contains(where: { value["apiVersion"].string == group + $0 })
        else { return nil }
        return value
    }
}
