internal import APIModel

/// How far the emptying of a namespace has come.
struct Emptying: Equatable {
    /// How many objects of each kind there are still, in the words of the condition: `widgets.example.com`, `pods.`.
    private(set) var remaining: [String: Int] = [:]
    /// How many of them each finalizer holds.
    private(set) var holders: [String: Int] = [:]
    /// What went wrong.
    var failures: [String] = []
    /// The groups and versions whose servers do not say which kinds they have: `metrics.k8s.io/v1beta1`.
    var undiscovered: [String] = []

    var isEmpty: Bool { remaining.isEmpty && failures.isEmpty && undiscovered.isEmpty }

    /// These are there after everything was deleted.
    mutating func add(_ resource: GroupVersionResource, _ objects: [Value]) {
        guard !objects.isEmpty else { return }
        remaining["\(resource.resource).\(resource.group)", default: 0] += objects.count
        for finalizer in objects.flatMap({ $0["metadata"]["finalizers"].elements.compactMap(\.string) }) {
            holders[finalizer, default: 0] += 1
        }
        // Pods end when their grace is over, and a finalizer holds on purpose. What else is there should have gone.
        let stuck = objects.contains { $0["metadata"]["finalizers"].isEmpty && $0["metadata"]["deletionGracePeriodSeconds"].isNull }
        if stuck {
            failures.append(
                "unexpected items still remain in namespace: \(objects[0]["metadata"]["namespace"].string ?? "") for gvr: "
                    + "\(resource.group)/\(resource.version), Resource=\(resource.resource)")
        }
    }

    struct Condition: Equatable {
        var type: String
        var isTrue: Bool
        var reason: String
        var message: String
    }

    /// In upstream's order. The second cannot go wrong here: no kind has a version that is no name.
    var conditions: [Condition] {
        [
            Condition(
                "NamespaceDeletionDiscoveryFailure", if: !undiscovered.isEmpty,
                (
                    "DiscoveryFailed",
                    "Discovery failed for some groups, \(undiscovered.count) failing: unable to retrieve the complete list of server APIs: "
                        + undiscovered.sorted().map { "\($0): stale GroupVersion discovery: \($0)" }.joined(separator: ", ")
                ), else: ("ResourcesDiscovered", "All resources successfully discovered")),
            Condition(
                type: "NamespaceDeletionGroupVersionParsingFailure", isTrue: false, reason: "ParsedGroupVersions",
                message: "All legacy kube types successfully parsed"),
            Condition(
                "NamespaceDeletionContentFailure", if: !failures.isEmpty,
                (
                    "ContentDeletionFailed",
                    "Failed to delete all resource types, \(failures.count) remaining: \(failures.sorted().joined(separator: ", "))"
                ), else: ("ContentDeleted", "All content successfully deleted, may be waiting on finalization")),
            Condition(
                "NamespaceContentRemaining", if: !remaining.isEmpty,
                ("SomeResourcesRemain", "Some resources are remaining: \(Self.list(remaining, "has"))"),
                else: ("ContentRemoved", "All content successfully removed")),
            Condition(
                "NamespaceFinalizersRemaining", if: !holders.isEmpty,
                ("SomeFinalizersRemain", "Some content in the namespace has finalizers remaining: \(Self.list(holders, "in"))"),
                else: ("ContentHasNoFinalizers", "All content-preserving finalizers finished")),
        ]
    }

    /// `pods. has 2 resource instances, widgets.example.com has 1 resource instances`
    private static func list(_ counts: [String: Int], _ verb: String) -> String {
        counts.sorted { $0.key < $1.key }.map { "\($0.key) \(verb) \($0.value) resource instances" }.joined(separator: ", ")
    }
}

extension Emptying.Condition {
    fileprivate init(
        _ type: String, if isTrue: Bool, _ problem: (reason: String, message: String), else fine: (reason: String, message: String)
    ) {
        let (reason, message) = isTrue ? problem : fine
        self.init(type: type, isTrue: isTrue, reason: reason, message: message)
    }
}
