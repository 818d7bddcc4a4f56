public import APIModel
internal import OrderedCollections
public import PluginKit
internal import Synchronization

/// Asks the attachers of CSI drivers for the volumes that Pods need on their Nodes, and lets go of those that nobody needs there.
///
/// Rules: upstream `pkg/controller/volume/attachdetach`. A key is a PersistentVolume: all its attachments are decided about at once, so that
/// two Nodes never get one that only one may have.
public final class AttachDetachController: Controller {
    /// For how many seconds a Node that is not ready may still use a volume that nobody needs there.
    private static let patience: Whole = 360

    /// What is remembered of a volume between two looks, by names of attachments, there or not.
    private struct Memory: Equatable {
        /// Since when those are not needed that are still in use.
        var unneeded: [String: Whole] = [:]
        /// What Pods were told that is still so.
        var told: [String: String] = [:]
    }

    private let objects: Objects
    private let log: Log
    private let memory = Mutex<[String: Memory]>([:])
    /// Of the clock that nobody sets: a volume that is taken away too early is lost.
    private let start = SuspendingClock.now

    public init(_ host: Host, config: Value) {
        objects = host.objects
        log = host.log
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        let attachments = try objects.list(StorageObjects.attachments, fields: "spec.source.persistentVolumeName=\(key.name)")
        guard let object = try objects.get(StorageObjects.volumes, name: key.name), let volume = AttachableVolume(object),
            try objects.get(StorageObjects.drivers, name: volume.driver)?["spec"]["attachRequired"].bool != false
        else {
            memory.withLock { $0[key.name] = nil }
            return .done
        }
        let pods = try pods(needing: object)
        let known = memory.withLock { $0[key.name] ?? Memory() }
        let plan = try AttachPlan(volume, wanted: try managed(pods.map(\.node)), attachments: attachments) {
            try isReleased(volume, $0, unneededSince: known.unneeded[volume.attachmentName($0)])
        }
        // A kubelet must hear that a volume goes before it goes.
        for (node, isThere) in plan.reported.sorted(by: { $0.key < $1.key }) where try report(volume, isThere, on: node) && isThere {
            tell(pods, on: node, .normal, "SuccessfulAttachVolume", "AttachVolume.Attach succeeded for volume \"\(volume.name)\" ")
        }
        for attachment in attachments where plan.detach.contains(attachment["metadata"]["name"].string ?? "") {
            try objects.remove(StorageObjects.attachments, attachment)
        }
        for node in plan.attach { try attach(volume, to: node) }
        let problems = problems(volume, plan, attachments, pods)
        for (name, problem) in problems.sorted(by: { $0.key < $1.key }) where known.told[name] != problem.message {
            tell(pods, on: problem.node, .warning, "FailedAttachVolume", problem.message)
        }
        let now = seconds
        let unneeded = Dictionary(uniqueKeysWithValues: plan.hold.map { ($0, known.unneeded[$0] ?? now) })
        let memory = Memory(unneeded: unneeded, told: problems.mapValues(\.message))
        self.memory.withLock { $0[key.name] = memory == Memory() ? nil : memory }
        // A Node says when it has let go; that it has stopped saying anything, it does not say.
        return plan.hold.isEmpty ? .done : .doneCheckAgain(afterMilliseconds: 60_000)
    }

    // MARK: What is needed

    private typealias Needing = (node: String, pod: Value)

    /// The Pods that need the volume where they are, the oldest first.
    private func pods(needing volume: Value) throws -> [Needing] {
        let reference = volume["spec"]["claimRef"]
        guard
            let claim = try objects.get(
                StorageObjects.claims, namespace: reference["namespace"].string ?? "", name: reference["name"].string ?? ""),
            claim["metadata"]["uid"] == reference["uid"], claim["spec"]["volumeName"] == volume["metadata"]["name"]
        else { return [] }
        return try objects.pods(using: claim).filter(Self.needsVolumes)
            .sorted { ($0["metadata"]["creationTimestamp"].time ?? 0) < ($1["metadata"]["creationTimestamp"].time ?? 0) }
            .map { (node: $0["spec"]["nodeName"].string ?? "", pod: $0) }
    }

    /// Whether a Pod is on a Node and something of it may run there.
    static func needsVolumes(_ pod: Value) -> Bool {
        guard !pod["spec"]["nodeName"].isEmpty, !PodState.isTerminal(pod) else { return false }
        let isAnyLeft = pod["status"]["containerStatuses"].elements.contains {
            $0["state"]["terminated"].isNull && $0["state"]["waiting"].isNull
        }
        return pod["metadata"]["deletionTimestamp"].isNull || isAnyLeft
    }

    /// The Nodes whose kubelets leave attaching to this controller, each once.
    private func managed(_ nodes: [String]) throws -> [String] {
        var seen: Set<String> = []
        return try nodes.filter { name in
            guard seen.insert(name).inserted, let node = try objects.get(.nodes, name: name) else { return false }
            return node["metadata"]["annotations"]["volumes.kubernetes.io/controller-managed-attach-detach"].string == "true"
        }
    }

    /// Whether a Node has let go of the volume, or need not be asked any more.
    private func isReleased(_ volume: AttachableVolume, _ name: String, unneededSince since: Whole?) throws -> Bool {
        guard let node = try objects.get(.nodes, name: name) else { return true }
        if node["spec"]["taints"].elements.contains(where: { $0["key"].string == "node.kubernetes.io/out-of-service" }) { return true }
        guard node["status"]["volumesInUse"].elements.contains(.string(volume.uniqueName)) else { return true }
        return !PodState.isReady(node) && since.map { seconds - $0 > Self.patience } ?? false
    }

    /// Since this began.
    private var seconds: Whole { start.duration(to: .now).nanoseconds / 1_000_000_000 }

    // MARK: Acting

    private func attach(_ volume: AttachableVolume, to node: String) throws {
        do {
            try objects.create(StorageObjects.attachments, volume.attachment(to: node))
        } catch let error as APIError where error.reason == .alreadyExists {}
    }

    /// - Returns: whether the Node said something else before.
    private func report(_ volume: AttachableVolume, _ isThere: Bool, on name: String) throws -> Bool {
        guard let node = try objects.get(.nodes, name: name) else { return false }
        let attached = node["status"]["volumesAttached"].elements
        guard attached.contains(where: { $0["name"].string == volume.uniqueName }) != isThere else { return false }
        let entry: Value = ["name": .string(volume.uniqueName), "devicePath": ""]
        let changed = isThere ? attached + [entry] : attached.filter { $0["name"].string != volume.uniqueName }
        var list = Value.emptyObject
        list.fields["volumesAttached"] = changed.isEmpty ? .null : .array(changed)
        try objects.patch(
            .nodes, name: name, subresource: "status", .merge, ["status": list],
            with: WriteOptions(preconditions: .init(resourceVersion: node["metadata"]["resourceVersion"].string)))
        return true
    }

    // MARK: Saying so

    private func tell(_ pods: [Needing], on node: String, _ type: Objects.EventType, _ reason: String, _ message: String) {
        for needing in pods where needing.node == node { objects.event(needing.pod, type, reason: reason, message: message) }
    }

    /// What keeps Nodes from having the volume, by the name of the attachment.
    private func problems(_ volume: AttachableVolume, _ plan: AttachPlan, _ attachments: [Value], _ pods: [Needing]) -> [String: (
        node: String, message: String
    )] {
        var problems: [String: (node: String, message: String)] = [:]
        for node in plan.refuse {
            let others = pods.filter { $0.node != node }.compactMap { $0.pod["metadata"]["name"].string }
            let reason =
                others.isEmpty
                ? "Volume is already exclusively attached to one node and can't be attached to another"
                : "Volume is already used by pod(s) \(others.joined(separator: ", "))"
            problems[volume.attachmentName(node)] = (node, "Multi-Attach error for volume \"\(volume.name)\" \(reason)")
        }
        for attachment in attachments where attachment["status"]["attached"].bool != true {
            guard let error = attachment["status"]["attachError"]["message"].string else { continue }
            let node = attachment["spec"]["nodeName"].string ?? ""
            problems[volume.attachmentName(node)] = (node, "AttachVolume.Attach failed for volume \"\(volume.name)\" : \(error)")
        }
        return problems
    }

    // MARK: Who wants to know

    public func map(resource: String, before: Value, after: Value) -> [Key] {
        let object = after.isNull ? before : after
        do {
            let volumes: [Value]
            switch resource {
            case GroupVersionResource.pods.description:
                let namespace = object["metadata"]["namespace"].string ?? ""
                volumes = try PodClaims.names(object).compactMap { name in
                    try objects.get(StorageObjects.claims, namespace: namespace, name: name)?["spec"]["volumeName"]
                }
            case GroupVersionResource.nodes.description:
                volumes = try objects.list(StorageObjects.attachments, fields: "spec.nodeName=\(object["metadata"]["name"].string ?? "")")
                    .map { $0["spec"]["source"]["persistentVolumeName"] }
            default: return []
            }
            return Set(volumes.compactMap(\.string)).filter { !$0.isEmpty }.map {
                Key(resource: StorageObjects.volumes.description, name: $0)
            }
        } catch {
            log.error("what a change concerns could not be found: \(error)")
            return []
        }
    }
}
