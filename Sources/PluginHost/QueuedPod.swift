public import PluginAPI

/// A Pod that has no Node yet, for the slots that need no columns.
public struct QueuedPod: Sendable {
    public var namespace: String
    public var name: String
    public var uid: String
    /// `spec.schedulingGroup.podGroupName`, or empty.
    public var group: String
    public var priority: Int32
    /// The whole Pod.
    public var json: [UInt8]
    /// Of two Pods the one that came, or failed, first has the smaller.
    public var order: UInt64
    public var attempts: Int

    public init(
        namespace: String, name: String, uid: String, group: String, priority: Int32, json: [UInt8], order: UInt64, attempts: Int
    ) {
        (self.namespace, self.name, self.uid, self.group) = (namespace, name, uid, group)
        (self.priority, self.json, self.order, self.attempts) = (priority, json, order, attempts)
    }

    /// Lends it for the duration of `body`.
    public func withC<R>(_ body: (UnsafePointer<apus_queued_pod>) -> R) -> R {
        namespace.withBorrowed { namespace in
            name.withBorrowed { name in
                uid.withBorrowed { uid in
                    group.withBorrowed { group in
                        json.withBorrowed { json in
                            var pod = apus_queued_pod(
                                size: UInt32(MemoryLayout<apus_queued_pod>.size), priority: priority, namespace_: namespace, name: name,
                                uid: uid, group: group, json: json, order: order, attempts: UInt32(clamping: attempts), reserved: 0)
                            return body(&pod)
                        }
                    }
                }
            }
        }
    }
}
