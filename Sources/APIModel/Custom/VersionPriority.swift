/// Versions in Kubernetes' order: v10 before v2 before v1beta2 before v1alpha1 before any other name.
public struct VersionPriority: Comparable {
    private var rank: (Int, Int, Int)
    private var name: String

    public init(_ version: String) {
        name = version
        rank = (0, 0, 0)
        guard let match = version.wholeMatch(of: /v([1-9][0-9]{0,9})(?:(alpha|beta)([1-9][0-9]{0,9}))?/) else { return }
        let stability = match.2 == nil ? 3 : match.2 == "beta" ? 2 : 1
        rank = (stability, Int(match.1) ?? 0, match.3.flatMap { Int($0) } ?? 0)
    }

    public static func == (a: VersionPriority, b: VersionPriority) -> Bool { a.name == b.name }
    public static func < (a: VersionPriority, b: VersionPriority) -> Bool { a.rank == b.rank ? a.name > b.name : a.rank < b.rank }
}

extension Kinds.Group {
    /// The groups of custom resources with the versions that are served, the most stable and newest first.
    public static func all(of custom: [ResourceType]) -> [Kinds.Group] {
        var versions: [String: Set<String>] = [:]
        for type in custom where !type.verbs.isEmpty { versions[type.group, default: []].insert(type.version) }
        return versions.sorted { $0.key < $1.key }.map {
            Kinds.Group(name: $0.key, versions: $0.value.sorted { VersionPriority($0) > VersionPriority($1) })
        }
    }
}
