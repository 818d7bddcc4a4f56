internal import APIModel
internal import PluginAPI

/// One Pod as the scheduler read it. Lives on the scheduling thread.
final class PodInfo {
    let object: Object
    let key: PodKey
    let uid: String
    let priority: Int32
    /// `spec.nodeName`, empty while it is not bound.
    let nodeName: String
    let requests: PodRequests
    let hostPorts: [apus_host_port]

    init(_ object: Object, strings: StringTable, resources: ResourceNames) {
        self.object = object
        let spec = object.value["spec"]
        key = PodKey(object)
        uid = object.uid
        priority = Int32(clamping: spec["priority"].int ?? 0)
        nodeName = spec["nodeName"].string ?? ""
        requests = PodRequests(spec: spec, resources)
        hostPorts = Self.hostPorts(spec, strings)
    }

    private static let protocols: [String: Int32] = ["TCP": APUS_PROTOCOL_TCP, "UDP": APUS_PROTOCOL_UDP, "SCTP": APUS_PROTOCOL_SCTP]

    private static func hostPorts(_ spec: Value, _ strings: StringTable) -> [apus_host_port] {
        let staying = spec["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }
        return (spec["containers"].elements + staying).flatMap { $0["ports"].elements }.compactMap { port in
            guard let number = port["hostPort"].int, number > 0 else { return nil }
            let ip = port["hostIP"].string ?? ""
            return apus_host_port(
                protocol: protocols[port["protocol"].string ?? "TCP"] ?? APUS_PROTOCOL_TCP, port: Int32(clamping: number),
                ip: strings.number(ip == "0.0.0.0" || ip == "::" ? "" : ip))
        }
    }
}

/// A Pod by name.
struct PodKey: Hashable, Sendable, CustomStringConvertible {
    var namespace: String
    var name: String

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    init(_ object: Object) { self.init(namespace: object.namespace, name: object.name) }

    var description: String { "\(namespace)/\(name)" }
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
