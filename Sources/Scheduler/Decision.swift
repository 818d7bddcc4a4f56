/// What one cycle found for one Pod.
enum Decision: Equatable {
    /// The index of a Node.
    case node(Int)
    /// No Node fits now; the message is the Pod's condition and Event.
    case unschedulable(String)
    /// A policy broke, or there is none.
    case error(String)
}

/// Words a failure as upstream's scheduler does.
enum FitMessage {
    /// The reasons of one cycle: how many Nodes each was given for.
    static func noFit(nodes: Int, reasons: [String: Int], preemption: String = "") -> String {
        let counted = reasons.map { "\($0.value) \($0.key)" }.sorted()
        let start = "0/\(nodes) nodes are available:"
        return (counted.isEmpty ? start : "\(start) \(counted.joined(separator: ", ")).") + (preemption.isEmpty ? "" : " \(preemption)")
    }

    /// A policy said no without looking at single Nodes.
    static func refused(nodes: Int, message: String, preemption: String) -> String {
        "0/\(nodes) nodes are available: \(message). \(preemption)"
    }

    static let noNodes = "no nodes available to schedule pods"

    /// Why making room would not help: by reason, on how many Nodes.
    static func preemption(nodes: Int, reasons: [String: Int]) -> String { "preemption: " + noFit(nodes: nodes, reasons: reasons) }

    static let neverPreempts = "preemption: not eligible due to preemptionPolicy=Never."
    static let notHelpful = "Preemption is not helpful for scheduling"
    static let noVictims = "No preemption victims found for incoming pod"
    static let notSupported = "Preemption of pods with lower priority is not supported"
}
