internal import APIModel

/// What one cycle found for one Pod.
enum Decision {
    /// The index of a Node.
    case node(Int)
    /// No Node fits now.
    case unschedulable(Unschedulable)
    /// A policy broke, or there is none.
    case error(String)
}

/// That no Node fits, and what comes of it.
struct Unschedulable {
    /// The Pod's condition and Event.
    var message: String
    /// What may let the Pod run.
    var helpedBy: ClusterEvents
    /// The policies that refused Nodes, and what the scheduler itself sees to, by upstream's name.
    var refusers: Set<String> = []
    var nomination = Nomination.kept
    /// A claim whose devices are to be taken back, so that it may get others.
    var idle: Object?

    /// Where the Pod is to run once there is room.
    enum Nomination {
        /// As it was, if there was one.
        case kept
        /// Nowhere.
        case none
        /// On a Node, in the place of these Pods.
        case node(Int, victims: [PodInfo])
    }
}

/// Words a failure as upstream's scheduler does.
enum FitMessage {
    /// The reasons of one cycle: how many Nodes each was given for.
    static func noFit(nodes: Int, reasons: [String: Int]) -> String {
        let counted = reasons.map { "\($0.value) \($0.key)" }.sorted()
        let start = "0/\(nodes) nodes are available:"
        return counted.isEmpty ? start : "\(start) \(counted.joined(separator: ", "))."
    }

    /// A policy said no without looking at single Nodes.
    static func refused(nodes: Int, message: String) -> String { "0/\(nodes) nodes are available: \(message)." }

    static let noNodes = "no nodes available to schedule pods"

    /// Why making room would not help: by reason, on how many Nodes.
    static func preemption(nodes: Int, reasons: [String: Int]) -> String { "preemption: " + noFit(nodes: nodes, reasons: reasons) }

    /// What came of looking for claims whose devices could be taken back.
    static func deallocation(of idle: Object?, hasClaims: Bool) -> String {
        guard hasClaims else { return "no new claims to deallocate" }
        guard let idle else { return "still not schedulable" }
        return "\(idle.isOfExtendedResources ? "deletion" : "deallocation") of ResourceClaim completed"
    }

    static let neverPreempts = "preemption: not eligible due to preemptionPolicy=Never."
    static let alreadyPreempts = "preemption: not eligible due to a terminating pod on the nominated node."
    static let notHelpful = "Preemption is not helpful for scheduling"
    static let noVictims = "No preemption victims found for incoming pod"
}
