internal import APIModel
internal import PluginAPI
internal import PluginHost

/// One Pod, as a policy gets to see it beside the columns.
struct QueueSample: Sendable {
    let pod: QueuedPod

    init(_ name: String, priority: Int32 = 0, group: String = "", order: UInt64, attempts: Int = 0, labels: [String: String] = [:]) {
        let object: Value = [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": ["name": .string(name), "namespace": "default", "uid": .string(name), "labels": Value(labels)],
            "spec": ["priority": .int(Whole(priority)), "containers": [["name": "main", "image": "apus.local/sample:1"]]],
        ]
        pod = QueuedPod(
            namespace: "default", name: name, uid: name, group: group, priority: priority, json: JSON.encode(object), order: order,
            attempts: attempts)
    }

    /// Pods that differ in each thing that a queue may go by, and two that differ in nothing but their age.
    static let all: [QueueSample] = [
        QueueSample("first", order: 1), QueueSample("second", order: 2), QueueSample("urgent", priority: 1000, order: 3),
        QueueSample("below-zero", priority: .min, order: 4), QueueSample("critical", priority: 2_000_001_000, order: 5),
        QueueSample("of-a-group", group: "g", order: 6), QueueSample("of-a-group-too", group: "g", order: 9),
        QueueSample("of-another-group", group: "h", order: 7),
        QueueSample("tried-often", order: .max, attempts: 1_000_000),
        QueueSample("labelled", order: 8, labels: ["app": "web", "example.com/deadline": "7"]),
    ]

    /// Lends it for the duration of `body`.
    func lend<R>(_ body: (UnsafePointer<apus_queued_pod>) -> R) -> R { pod.withC(body) }
}
