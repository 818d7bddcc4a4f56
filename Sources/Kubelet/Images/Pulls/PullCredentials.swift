import APIModel

/// What an image was pulled with under one name, and so which pods have it without pulling it again. Upstream: `ImagePullCredentials`.
struct PullCredentials: Equatable, Sendable {
    /// Where credentials come from, and what they are without saying it.
    struct Secret: Hashable, Sendable {
        var uid: String
        var namespace: String
        var name: String
        /// Empty when it is not known.
        var hash: String

        fileprivate var place: [String] { [namespace, name, uid] }
    }

    /// All pods of the node may have it: it was to be had without what a pod brings.
    var isForAll = false
    /// In the order of namespaces and names.
    var secrets: [Secret] = []

    static let all = PullCredentials(isForAll: true)

    /// How many secrets are remembered without a pull: namespaces come and go. Upstream's.
    private static let limit = 100

    /// A pod may have the image by one of its secrets.
    struct Admission: Equatable, Sendable {
        var secret: Secret
        /// Whether it is to be remembered, so that the next pod that brings it needs no other.
        var isNew: Bool
    }

    /// A secret that says the same, or that was changed since, will do; `nil` when there is none.
    func admits(_ others: [Secret]) -> Admission? {
        let hasRoom = secrets.count < Self.limit
        for other in others {
            for secret in secrets {
                let isSame = !secret.hash.isEmpty && secret.hash == other.hash
                let isInPlace = secret.place == other.place
                if isSame { return Admission(secret: other, isNew: !isInPlace && hasRoom) }
                if isInPlace && hasRoom { return Admission(secret: other, isNew: true) }
            }
        }
        return nil
    }

    /// Adds what the image was pulled with as well. Answers whether that is new.
    mutating func add(_ new: PullCredentials) -> Bool {
        if isForAll || !new.isForAll && new.secrets.isEmpty { return false }
        let before = self
        if new.isForAll {
            self = .all
        } else {
            let places = Set(new.secrets.map(\.place))
            secrets = (secrets.filter { !places.contains($0.place) } + new.secrets).sorted { $0.place.lexicographicallyPrecedes($1.place) }
        }
        return self != before
    }
}

extension PullCredentials {
    init(_ value: Value) {
        isForAll = value["nodePodsAccessible"].bool ?? false
        secrets = value["kubernetesSecrets"].elements.map { secret in
            func text(_ field: String) -> String { secret[field].string ?? "" }
            return Secret(uid: text("uid"), namespace: text("namespace"), name: text("name"), hash: text("credentialHash"))
        }
    }

    var value: Value {
        if isForAll { return ["nodePodsAccessible": true] }
        if secrets.isEmpty { return .emptyObject }
        return [
            "kubernetesSecrets": .array(
                secrets.map {
                    [
                        "uid": .string($0.uid), "namespace": .string($0.namespace), "name": .string($0.name),
                        "credentialHash": .string($0.hash),
                    ]
                })
        ]
    }
}
