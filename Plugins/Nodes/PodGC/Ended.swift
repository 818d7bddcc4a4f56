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

    /// When each was made.
    private(set) var pods: [Place: String] = [:]
    /// Whether all that there are have been looked at.
    var isComplete = false

    static func has(_ pod: Value) -> Bool { PodState.isTerminal(pod) && pod["metadata"]["deletionTimestamp"].isNull }

    mutating func note(_ pod: Value?, _ place: Place) {
        pods[place] = pod.flatMap { Self.has($0) ? $0["metadata"]["creationTimestamp"].string ?? "" : nil }
    }

    func oldest(_ count: Int) -> ArraySlice<Place> {
        pods.sorted { ($0.value, $0.key.namespace, $0.key.name) < ($1.value, $1.key.namespace, $1.key.name) }.map(\.key).prefix(count)
    }
}
