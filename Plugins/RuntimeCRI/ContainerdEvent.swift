/// What containerd's own event service tells: `Envelope{timestamp, namespace, topic, event}`.
enum ContainerdEvent {
    /// Everything about the tasks of CRI's namespace.
    static let subscription = WireFields.message(1, "namespace==k8s.io,topic~=^/tasks/")

    /// Every event about a task names its container in field 1; an exit names the process in field 2, which is the container's own id for
    /// its first process and another for an exec's.
    private static let topics: Set<String> = ["/tasks/exit", "/tasks/oom", "/tasks/paused", "/tasks/resumed"]

    /// The container or sandbox that the event is about, if it is one the host wants to hear of.
    static func subject(_ message: [UInt8]) -> (id: String, isExit: Bool)? {
        let topic = WireFields.string(3, in: message)
        guard topics.contains(topic) else { return nil }
        let event = WireFields.bytes(2, in: WireFields.bytes(4, in: message))
        let container = WireFields.string(1, in: event)
        let isExit = topic == "/tasks/exit"
        if isExit, WireFields.string(2, in: event) != container { return nil }
        return container.isEmpty ? nil : (container, isExit)
    }
}
