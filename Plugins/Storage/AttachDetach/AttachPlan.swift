internal import APIModel

/// What should happen with the attachments of one volume, given the Nodes whose Pods need it. No clock, no API.
struct AttachPlan: Equatable {
    /// Nodes that are to get it.
    var attach: [String] = []
    /// Nodes that must wait, for another has it.
    var refuse: [String] = []
    /// Attachments to delete, by name.
    var detach: [String] = []
    /// Attachments that nobody needs, but whose Node still uses the volume, by name.
    var hold: [String] = []
    /// Whether Nodes may tell their kubelets that the volume is there.
    var reported: [String: Bool] = [:]

    /// - Parameters:
    ///   - wanted: Nodes with Pods that need it, the first to have it first.
    ///   - attachments: all that there are of the volume.
    ///   - isReleased: whether a Node has let go of it, or is past asking.
    init(_ volume: AttachableVolume, wanted: [String], attachments: [Value], isReleased: (_ node: String) throws -> Bool) rethrows {
        var taken: Set<String> = []
        for attachment in attachments {
            let (name, node) = (attachment["metadata"]["name"].string ?? "", attachment["spec"]["nodeName"].string ?? "")
            taken.insert(node)
            // One that somebody else made is in the way, and theirs.
            guard name == volume.attachmentName(node) else { continue }
            let isEnding = !attachment["metadata"]["deletionTimestamp"].isNull
            if wanted.contains(node) {
                reported[node] = !isEnding && attachment["status"]["attached"].bool == true
            } else if isEnding {
                reported[node] = false
            } else if try isReleased(node) {
                reported[node] = false
                detach.append(name)
            } else {
                hold.append(name)
            }
        }
        for node in wanted where !taken.contains(node) {
            if volume.isShared || taken.isEmpty {
                attach.append(node)
                taken.insert(node)
            } else {
                refuse.append(node)
            }
        }
    }
}
