public import PluginAPI

/// Ends the wait of Pods that `permit` let wait. Lent for the duration of a call; what is said counts when the call has returned. Of Pods that do not
/// wait for this policy nothing comes.
public struct WaitingPods {
    private let raw: UnsafePointer<apus_waiting>
    public init(_ raw: UnsafePointer<apus_waiting>) { self.raw = raw }

    /// As far as this policy goes, the Pod may be bound.
    public func allow(uid: String) { uid.withBorrowed { raw.pointee.allow(raw.pointee.context, $0) } }

    /// The Pod gives its place up, and looks for a Node again after its back-off.
    public func reject(uid: String, _ reason: String) {
        uid.withBorrowed { uid in reason.withBorrowed { raw.pointee.reject(raw.pointee.context, uid, $0) } }
    }
}
