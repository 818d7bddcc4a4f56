package import APIModel

/// One Pod as the scheduler read it. Lives on the scheduling thread.
final class PodInfo {
    let object: Object
    let key: PodKey
    let uid: String
    let priority: Int32
    /// `spec.nodeName`, empty while it is not bound.
    let nodeName: String
    let requests: PodRequests
    let hostPorts: [HostPort]
    /// Whether Pods of lower priority may be taken away for it.
    let mayPreempt: Bool

    init(_ object: Object) {
        self.object = object
        let spec = object.value["spec"]
        key = PodKey(object)
        uid = object.uid
        priority = Int32(spec["priority"].int ?? 0)
        nodeName = spec["nodeName"].string ?? ""
        requests = PodRequests(spec: spec)
        hostPorts = HostPort.all(in: spec)
        mayPreempt = spec["preemptionPolicy"].string != "Never"
    }
}

/// A Pod by name.
package struct PodKey: Hashable, Sendable, CustomStringConvertible {
    package var namespace: String
    package var name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    package init(_ object: Object) { self.init(namespace: object.namespace, name: object.name) }

    package var description: String { "\(namespace)/\(name)" }
}

extension Object {
    private var spec: Value { value["spec"] }

    /// Whether the Pod holds what it asked for: bound and not finished.
    var isAssigned: Bool { !(spec["nodeName"].string ?? "").isEmpty && !isFinished }

    /// Whether this scheduler has to find a Node for the Pod.
    var needsNode: Bool {
        (spec["nodeName"].string ?? "").isEmpty && !isFinished && !isBeingDeleted
            && ["", "default-scheduler"].contains(spec["schedulerName"].string ?? "")
    }

    var isGated: Bool { !spec["schedulingGates"].elements.isEmpty }

    private var isFinished: Bool { ["Succeeded", "Failed"].contains(value["status"]["phase"].string ?? "") }
}
