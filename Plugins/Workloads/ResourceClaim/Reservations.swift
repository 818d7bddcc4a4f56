internal import APIModel
internal import OrderedCollections

/// What should become of a claim, given which of its reservations still hold. No clock, no API.
struct Reservations: Equatable {
    /// Keeps a claim that is being deleted as long as devices are allocated to it.
    static let finalizer = "resource.kubernetes.io/delete-protection"

    /// How many may share a claim.
    static let most = 256

    /// The status to write first, `nil` where it is right.
    var status: Value?
    /// Whether the finalizer goes after that.
    var removesFinalizer = false
    /// Whether nobody has it any more.
    var isUnused = false

    /// - Parameter holds: whether a Pod that the claim is reserved for may still use it. What is not a Pod stays.
    init(_ claim: Value, holds: (_ reservation: Value) throws -> Bool) rethrows {
        let reserved = claim["status"]["reservedFor"].elements
        let remaining = try reserved.filter { try !Self.isPod($0) || holds($0) }
        isUnused = remaining.isEmpty
        let isOurs = claim["metadata"]["finalizers"].elements.contains { $0.string == Self.finalizer }
        let isReleased = isUnused && isOurs
        var status = claim["status"]
        if remaining.count < reserved.count {
            status["reservedFor"] = remaining.isEmpty ? .null : .array(remaining)
            // It can be allocated anew, elsewhere, to whoever comes next.
            if isReleased { Self.deallocate(&status) }
            removesFinalizer = isOurs && status["allocation"].isNull
        } else if isReleased, !claim["metadata"]["deletionTimestamp"].isNull {
            Self.deallocate(&status)
            removesFinalizer = true
        }
        if status != claim["status"] { self.status = status }
    }

    private static func isPod(_ reservation: Value) -> Bool {
        reservation["apiGroup"].isEmpty && reservation["resource"].string == "pods"
    }

    private static func deallocate(_ status: inout Value) {
        status["allocation"] = .null
        status["devices"] = .null
    }
}
