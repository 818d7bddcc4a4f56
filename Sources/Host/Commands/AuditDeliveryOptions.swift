internal import APIModel
internal import APIServer
internal import ArgumentParser

/// What the flags `--audit-log-…` and `--audit-webhook-…` have in common.
struct AuditDeliveryOptions {
    /// `log` or `webhook`.
    var plugin: String
    var mode: String
    var bufferSize: Int
    var maxSize: Int
    var maxWait: String
    var isThrottled: Bool
    var throttleQPS: Double
    var throttleBurst: Int
    var isTruncated: Bool
    var maxEventSize: Int
    var maxBatchSize: Int
    var version: String

    /// - Throws: `ValidationError`, in upstream's words.
    func delivery() throws -> AuditConfiguration.Delivery {
        guard let known = AuditConfiguration.Mode(rawValue: mode) else {
            let all = AuditConfiguration.Mode.allCases.map(\.rawValue).joined(separator: ",")
            throw ValidationError("--audit-\(plugin)-mode: invalid audit \(plugin) mode \(mode), allowed modes are \"\(all)\"")
        }
        var batching = AuditConfiguration.Batching(
            maxSize: maxSize, maxWait: try Self.duration(maxWait, of: "--audit-\(plugin)-batch-max-wait"), throttle: nil)
        batching.bufferSize = bufferSize
        if known == .batch {
            try positive(bufferSize > 0, "batch", "buffer size", "\(bufferSize)", flag: "batch-buffer-size")
            try positive(maxSize > 0, "batch", "max batch size", "\(maxSize)", flag: "batch-max-size")
            if isThrottled {
                try positive(throttleQPS > 0, "batch", "throttle QPS", "\(throttleQPS)", flag: "batch-throttle-qps")
                try positive(throttleBurst > 0, "batch", "throttle burst", "\(throttleBurst)", flag: "batch-throttle-burst")
                batching.throttle = AuditConfiguration.Throttle(perSecond: throttleQPS, burst: throttleBurst)
            }
        }
        try positive(maxEventSize > 0, "truncate", "max event size", "\(maxEventSize)", flag: "truncate-max-event-size")
        guard maxBatchSize >= maxEventSize else {
            throw ValidationError(
                "--audit-\(plugin)-truncate-max-batch-size: invalid audit truncate \(plugin) max batch size \(maxBatchSize), "
                    + "must be greater than max event size (\(maxEventSize))")
        }
        guard version == "audit.k8s.io/v1" else {
            throw ValidationError("--audit-\(plugin)-version: invalid group version, allowed versions are [\"audit.k8s.io/v1\"]")
        }
        var delivery = AuditConfiguration.Delivery(mode: known, batching: batching)
        if isTruncated { delivery.truncation = AuditConfiguration.Truncation(maxEventSize: maxEventSize, maxBatchSize: maxBatchSize) }
        return delivery
    }

    private func positive(_ isPositive: Bool, _ part: String, _ what: String, _ value: String, flag: String) throws {
        guard isPositive else {
            throw ValidationError("--audit-\(plugin)-\(flag): invalid audit \(part) \(plugin) \(what) \(value), must be a positive number")
        }
    }

    static func duration(_ text: String, of flag: String) throws -> Duration {
        guard let nanoseconds = try? GoDuration.nanoseconds(text), 0...86_400_000_000_000 ~= nanoseconds else {
            throw ValidationError("\(flag): \(text) is not a duration such as 30s, of a day at most")
        }
        return .nanoseconds(nanoseconds)
    }
}
