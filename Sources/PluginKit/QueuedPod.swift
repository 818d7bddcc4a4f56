public import APIModel
public import PluginAPI

/// A Pod that has no Node yet, as the queue knows it. Lent for the duration of a call.
public struct QueuedPod {
    private let raw: UnsafePointer<apus_queued_pod>
    public init(_ raw: UnsafePointer<apus_queued_pod>) { self.raw = raw }

    public var namespace: String { raw.pointee.namespace_.string }
    public var name: String { raw.pointee.name.string }
    public var uid: String { raw.pointee.uid.string }
    public var priority: Int32 { raw.pointee.priority }
    /// `spec.schedulingGroup.podGroupName`, or empty.
    public var group: String { raw.pointee.group.string }
    /// Of two Pods the one that came, or failed, first has the smaller.
    public var order: UInt64 { raw.pointee.order }
    /// How often a Node was looked for.
    public var attempts: Int { Int(raw.pointee.attempts) }
    /// The whole Pod, read anew at each call.
    public var object: Value { decode(raw.pointee.json) }
}
