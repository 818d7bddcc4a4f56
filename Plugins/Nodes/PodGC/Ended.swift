internal import APIModel
internal import PluginKit

/// The Pods that have ended, so that one more costs a look at these alone, however many run.
struct Ended {
    struct Place: Hashable {
        var namespace: String
        var name: String

        init(namespace: String, name: String) { (self.namespace, self.name) = (namespace, name) }

        init(_ pod: Value) {
            let metadata = pod["metadata"]
            self.init(namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
        }
    }

    /// Whether each was evicted, and when it was made.
    private(set) var pods: [Place: (isEvicted: Bool, created: String)] = [:]
    /// Whether all that there are have been looked at.
    var isComplete = false

    static func has(_ pod: Value) -> Bool { PodState.isTerminal(pod) && pod["metadata"]["deletionTimestamp"].isNull }

    mutating func note(_ pod: Value?, _ place: Place) {
        pods[place] = pod.flatMap { pod in
            guard Self.has(pod) else { return nil }
            let status = pod["status"]
            return (
                status["phase"].string == "Failed" && status["reason"].string == "Evicted",
                pod["metadata"]["creationTimestamp"].string ?? ""
            )
        }
    }

    /// Those that go first: the evicted ones, which nobody waits for, and of equals the oldest.
    func first(_ count: Int) -> ArraySlice<Place> {
        func rank(_ pod: (key: Place, value: (isEvicted: Bool, created: String))) -> (Int, String, String, String) {
            (pod.value.isEvicted ? 0 : 1, pod.value.created, pod.key.namespace, pod.key.name)
        }
        return pods.sorted { rank($0) < rank($1) }.map(\.key).prefix(count)
    }
}
