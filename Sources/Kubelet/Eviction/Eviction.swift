import APIModel

/// Why the kubelet itself ended a pod, as its status tells.
struct PodFailure: Equatable, Sendable {
    var reason: String
    var message: String
    /// The message of the condition that says so, where nothing is wrong with the pod itself.
    var disruption: String?
}

/// Why a pod has to leave the node, and how fast.
struct Eviction: Equatable, Sendable {
    var failure: PodFailure
    /// Seconds for its containers; `nil` is the pod's own grace period.
    var grace: Whole?
    /// Whether it holds for a pod that the cluster cannot do without.
    var sparesNobody = false
    /// What a pod gets at least before it is told of that it takes too long, in seconds. Upstream's.
    var shortestLimit: Whole = 10

    /// How long all of a pod's containers may take that get so long each, in seconds. Upstream: `killPodNow`.
    func limit(_ grace: Whole) -> Whole { max(grace + grace / 2, shortestLimit) }

    static let reason = "Evicted"

    /// The pod uses more than it may.
    static func overLimits(_ message: String) -> Eviction {
        Eviction(failure: PodFailure(reason: reason, message: message), grace: immediate)
    }

    /// The node is short of something.
    static func underPressure(_ message: String, grace: Whole) -> Eviction {
        Eviction(failure: PodFailure(reason: reason, message: message, disruption: message), grace: grace)
    }

    /// What has to go at once has this long.
    static let immediate: Whole = 1

    /// Its place is for a pod that the cluster cannot do without.
    static let preemption = Eviction(
        failure: PodFailure(
            reason: "Preempting", message: Preemption.message,
            disruption: "Pod was preempted by Kubelet to accommodate a critical pod."),
        sparesNobody: true)
}

extension PodWorker {
    /// Ends the pod because the node has to. What the cluster cannot do without stays, unless it has to go too. Says whether it goes.
    @discardableResult
    func evict(_ eviction: Eviction) -> Bool {
        guard stage == .syncing, self.eviction == nil, !isEnding, !pod.isTerminal, eviction.sparesNobody || !pod.isCritical else {
            return false
        }
        self.eviction = eviction
        context.events.event(about: pod, .warning, eviction.failure.reason, eviction.failure.message)
        breakOff()
        return true
    }
}
