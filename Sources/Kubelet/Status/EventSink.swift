import APIModel
import Client

/// Where the kubelet tells what it did. Returns at once; safe from any task.
protocol EventSink: Sendable {
    /// `involved` is an object or an ObjectReference, which may name a field.
    func event(about involved: Value, type: EventType, reason: String, message: String)
}

extension EventRecorder: EventSink {
    func event(about involved: Value, type: EventType, reason: String, message: String) {
        event(about: involved, type == .normal ? .normal : .warning, reason: reason, message: message)
    }
}

enum EventType: Sendable { case normal, warning }

extension EventSink {
    func event(about pod: Pod, _ type: EventType, _ reason: String, _ message: String) {
        event(about: pod.reference(), type: type, reason: reason, message: message)
    }

    func event(aboutNode name: String, _ type: EventType, _ reason: String, _ message: String) {
        // Upstream names the node as its own uid here, and kubectl looks for it by that.
        let node: Value = ["kind": "Node", "apiVersion": "v1", "name": .string(name), "uid": .string(name)]
        event(about: node, type: type, reason: reason, message: message)
    }

    /// About one container of a pod, which kubectl shows as `spec.containers{name}`.
    func container(_ pod: Pod, _ container: Value, _ type: EventType, _ reason: String, _ message: String) {
        event(about: pod.reference(to: container.name), type: type, reason: reason, message: message)
    }
}

extension Pod {
    /// An ObjectReference to the pod, or to one of its containers.
    func reference(to container: String? = nil) -> Value {
        var reference: Value = [
            "kind": "Pod", "apiVersion": "v1", "namespace": .string(namespace), "name": .string(name), "uid": .string(uid),
            "resourceVersion": metadata["resourceVersion"],
        ]
        if let container {
            let list =
                isInit(container)
                ? "initContainers" : ephemeralContainers.contains { $0.name == container } ? "ephemeralContainers" : "containers"
            reference["fieldPath"] = .string("spec.\(list){\(container)}")
        }
        return reference
    }
}
