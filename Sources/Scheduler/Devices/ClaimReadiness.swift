internal import APIModel

/// Whether a claim's devices are ready for its Pod: some are only made so once they are allocated, which their drivers tell by conditions.
enum ClaimReadiness: Equatable {
    case ready
    case waiting
    /// They have been waited for in vain.
    case late
    case failed(String)

    /// - Parameters:
    ///   - limit: how long devices may take, in seconds.
    ///   - now: in seconds since 1970.
    init(_ claim: Object, limit: Int64, now: Int64) {
        self = Self.conditions(claim)
        guard self == .waiting, Self.waits(claim), let text = claim.allocation?["allocationTimestamp"].string,
            let since = Timestamp.parse(text)?.seconds
        else { return }
        if since + Whole(limit) < Whole(now) { self = .late }
    }

    private static func conditions(_ claim: Object) -> ClaimReadiness {
        guard let allocation = claim.allocation else { return .waiting }
        for result in allocation["devices"]["results"].elements where !result["bindingConditions"].isEmpty {
            let status = claim.value["status"]["devices"].elements.first { status in
                ["driver", "pool", "device"].allSatisfy { status[$0] == result[$0] }
            }
            guard let conditions = status?["conditions"].elements else { return .waiting }
            func isTrue(_ type: Value) -> Value? { conditions.first { $0["type"] == type && $0["status"].string == "True" } }
            for type in result["bindingFailureConditions"].elements {
                guard let failure = isTrue(type) else { continue }
                let (reason, message) = (failure["reason"].string ?? "", FieldError.quoted(failure["message"].string ?? ""))
                return .failed("device binding failed: claim=\(claim.name), reason=\(reason), message=\(message)")
            }
            guard result["bindingConditions"].elements.allSatisfy({ isTrue($0) != nil }) else { return .waiting }
        }
        return .ready
    }

    /// Whether a claim has such devices at all.
    static func waits(_ claim: Object) -> Bool { waits(claim.allocation ?? .null) }

    static func waits(_ allocation: Value) -> Bool {
        allocation["devices"]["results"].elements.contains { !$0["bindingConditions"].isEmpty }
    }
}
