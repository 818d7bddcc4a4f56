package import APIModel

/// One Pod as the scheduler read it. Lives on the scheduling thread.
final class PodInfo {
    let object: Object
    let key: PodKey
    let uid: String
    /// What it has in common with others.
    let template: PodTemplate
    /// `spec.nodeName`, empty while it is not bound.
    let nodeName: String
    let isTerminating: Bool
    /// `status.nominatedNodeName`, empty while there is none.
    let nominatedNodeName: String
    /// `status.startTime` in seconds since 1970, zero while there is none.
    let start: Int64
    let claims: [Claim]
    let disks: [Disk]
    /// Its ResourceClaims.
    let deviceClaims: [DeviceClaimReference]
    /// Its row in the columns, while it holds something there.
    var row: Int?

    /// - Parameter template: that of the Pod, where it is known.
    init(_ object: Object, _ template: PodTemplate? = nil) {
        self.object = object
        self.template = template ?? PodTemplate(object)
        let value = object.value
        let (metadata, spec, status) = (value["metadata"], value["spec"], value["status"])
        key = PodKey(namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
        uid = metadata["uid"].string ?? ""
        nodeName = spec["nodeName"].string ?? ""
        isTerminating = !metadata["deletionTimestamp"].isNull
        nominatedNodeName = status["nominatedNodeName"].string ?? ""
        start = status["startTime"].string.flatMap { Timestamp.parse($0)?.seconds.int64 } ?? 0
        claims = Claim.all(spec, key)
        disks = Disk.all(spec)
        deviceClaims = DeviceClaimReference.all(value, key)
    }

    var priority: Int32 { template.priority }
    var requests: PodRequests { template.requests }
    var hostPorts: [HostPort] { template.hostPorts }
    /// Whether Pods of lower priority may be taken away for it.
    var mayPreempt: Bool { template.mayPreempt }

    /// Whether what holds for other Pods of its template holds for it.
    var isLikeOthers: Bool {
        claims.isEmpty && disks.isEmpty && nodeName.isEmpty && object.value["spec"]["resourceClaims"].elements.isEmpty
    }
}

extension PodInfo {
    /// A PersistentVolumeClaim that the Pod uses.
    struct Claim {
        let key: PodKey
        /// Made for this Pod alone.
        let isEphemeral: Bool

        fileprivate static func all(_ spec: Value, _ pod: PodKey) -> [Claim] {
            spec["volumes"].elements.compactMap { volume in
                PodClaims.name(in: volume, pod: pod.name).map {
                    Claim(key: PodKey(namespace: pod.namespace, name: $0), isEphemeral: !volume["ephemeral"].isNull)
                }
            }
        }
    }

    /// Whether the Pod is being deleted to make room for another.
    var isPreempted: Bool {
        isTerminating
            && object.value["status"]["conditions"].elements.contains {
                $0["type"].string == "DisruptionTarget" && $0["status"].string == "True" && $0["reason"].string == "PreemptionByScheduler"
            }
    }

    /// Whether it is worth more than another when one of the two has to go: by priority, then whoever started first.
    func isMoreImportant(than other: PodInfo) -> Bool {
        (other.priority, startOrNow, uid) < (priority, other.startOrNow, other.uid)
    }

    /// What has not started yet counts as started now.
    var startOrNow: Int64 { start == 0 ? .max : start }

    /// Whether another state of the Pod holds the same, wherever it is.
    func isSame(as other: PodInfo) -> Bool {
        uid == other.uid && template === other.template && isTerminating == other.isTerminating && start == other.start
            && claims.isEmpty && other.claims.isEmpty && disks.isEmpty && other.disks.isEmpty
    }

    /// Whether a newer state of the Pod is the same in all that is read here.
    func isSame(as newer: Object) -> Bool {
        newer.uid == uid && newer.isBeingDeleted == isTerminating && newer.labels == template.classKey.labels
            && newer.value["status"]["startTime"] == object.value["status"]["startTime"] && newer.value["spec"] == object.value["spec"]
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

    /// Whether some scheduler has to find a Node for the Pod.
    var needsNode: Bool { (spec["nodeName"].string ?? "").isEmpty && !isFinished && !isBeingDeleted }

    /// Which scheduler; empty where the Pod does not say.
    var schedulerName: String { spec["schedulerName"].string ?? "" }

    var isGated: Bool { !spec["schedulingGates"].elements.isEmpty }

    private var isFinished: Bool { ["Succeeded", "Failed"].contains(value["status"]["phase"].string ?? "") }
}
