public import APIModel

/// What a scheduler policy observes.
///
/// ```yaml
/// policy:
///   watches: [{resource: v1/nodes, changes: ["metadata.annotations['example.com/latency']"]}]
/// ```
public struct PolicyManifest: Sendable, Hashable {
    public var watches: [Watch]

    /// Objects of `resource` are told to the policy when they change in a way that `filter` admits.
    public struct Watch: Sendable, Hashable {
        public var resource: GroupVersionResource
        public var filter: WatchFilter
    }

    /// Every kind that it names, each once.
    public var watched: [GroupVersionResource] {
        var seen: Set<GroupVersionResource> = []
        return watches.map(\.resource).filter { seen.insert($0).inserted }
    }
}
