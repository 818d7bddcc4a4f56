internal import PluginAPI

/// What a policy says of a Pod that waits for it.
public enum WaitingVerdict: Hashable, Sendable {
    case allow(uid: String)
    case reject(uid: String, reason: String)

    /// Of the Pod.
    public var uid: String {
        switch self {
        case .allow(let uid), .reject(let uid, _): uid
        }
    }
}

/// What a policy says to its `apus_waiting` goes through here.
struct VerdictListener {
    static let limit = 65_536
    private(set) var heard: [WaitingVerdict] = []
    private(set) var isOverLimit = false

    mutating func listen<R>(_ body: (UnsafePointer<apus_waiting>) -> R) -> R {
        withUnsafeMutablePointer(to: &self) { listener in
            var table = apus_waiting(
                context: UnsafeMutableRawPointer(listener),
                allow: { context, uid in VerdictListener.of(context).pointee.hear(.allow(uid: uid.string)) },
                reject: { context, uid, reason in
                    VerdictListener.of(context).pointee.hear(.reject(uid: uid.string, reason: reason.string))
                })
            return body(&table)
        }
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> UnsafeMutablePointer<VerdictListener> {
        context.unsafelyUnwrapped.assumingMemoryBound(to: VerdictListener.self)
    }

    private mutating func hear(_ verdict: WaitingVerdict) {
        if heard.count < Self.limit { heard.append(verdict) } else { isOverLimit = true }
    }
}
