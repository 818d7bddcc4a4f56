internal import PluginAPI

/// Takes what a policy says of Pods that wait for it, for an author's own tests.
///
/// ```swift
/// let waiting = TestWaiting()
/// waiting.lend { policy.unreserve(uid: "a", $0) }
/// assert(waiting.rejected == ["b": "its group has no room"])
/// ```
public final class TestWaiting {
    public private(set) var allowed: [String] = []
    /// With the reason of each.
    public private(set) var rejected: [String: String] = [:]

    public init() {}

    public func lend<R>(_ body: (WaitingPods) throws -> R) rethrows -> R {
        var raw = apus_waiting(
            size: UInt32(MemoryLayout<apus_waiting>.size), context: Unmanaged.passUnretained(self).toOpaque(),
            allow: { context, uid in instance(context, as: TestWaiting.self).allowed.append(uid.string) },
            reject: { context, uid, reason in instance(context, as: TestWaiting.self).rejected[uid.string] = reason.string })
        return try withExtendedLifetime(self) { try withUnsafePointer(to: &raw) { try body(WaitingPods($0)) } }
    }
}
