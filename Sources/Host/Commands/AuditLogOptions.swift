internal import APIServer
internal import ArgumentParser

/// The file that requests are written down in. Names are upstream's.
struct AuditLogOptions: ParsableArguments {
    @Option(help: "The file to append audit events to; - is standard output.")
    var auditLogPath: String?

    @Option(help: "How events are written: json, or legacy, which is a line of words.")
    var auditLogFormat = "json"

    @Option(help: "The group and version that events are written in.")
    var auditLogVersion = "audit.k8s.io/v1"

    @Option(name: .customLong("audit-log-maxage"), help: "For how many days files that were put aside are kept; 0 for ever.")
    var auditLogMaxAge = 366

    @Option(name: .customLong("audit-log-maxbackup"), help: "How many files that were put aside are kept; 0 all.")
    var auditLogMaxBackup = 100

    @Option(name: .customLong("audit-log-maxsize"), help: "The megabytes past which the file is put aside; 0 never.")
    var auditLogMaxSize = 100

    @Flag(help: "Whether files that were put aside are kept in gzip.")
    var auditLogCompress = false

    @Option(help: "When requests go on: batch (at once), blocking (when written), blocking-strict (when written, or refused).")
    var auditLogMode = "blocking"

    @Option(help: "How many events may wait; what comes beyond is lost, and counted. In the mode batch alone.")
    var auditLogBatchBufferSize = 10_000

    @Option(help: "How many events are written at once at most. In the mode batch alone.")
    var auditLogBatchMaxSize = 1

    @Option(help: "How long events wait for others. In the mode batch alone.")
    var auditLogBatchMaxWait = "0s"

    @Flag(help: "Whether batches are held back. In the mode batch alone.")
    var auditLogBatchThrottleEnable = false

    @Option(name: .customLong("audit-log-batch-throttle-qps"), help: "How many batches go in a second.")
    var auditLogBatchThrottleQPS = 0.0

    @Option(help: "How many batches go at once after a rest.")
    var auditLogBatchThrottleBurst = 0

    @Flag(help: "Whether large events lose their objects, and large batches are divided.")
    var auditLogTruncateEnabled = false

    @Option(help: "The bytes past which an event loses its objects.")
    var auditLogTruncateMaxEventSize = 100 * 1024

    @Option(help: "The bytes past which a batch is divided.")
    var auditLogTruncateMaxBatchSize = 10 * 1024 * 1024

    private var delivery: AuditDeliveryOptions {
        AuditDeliveryOptions(
            plugin: "log", mode: auditLogMode, bufferSize: auditLogBatchBufferSize, maxSize: auditLogBatchMaxSize,
            maxWait: auditLogBatchMaxWait, isThrottled: auditLogBatchThrottleEnable, throttleQPS: auditLogBatchThrottleQPS,
            throttleBurst: auditLogBatchThrottleBurst, isTruncated: auditLogTruncateEnabled, maxEventSize: auditLogTruncateMaxEventSize,
            maxBatchSize: auditLogTruncateMaxBatchSize, version: auditLogVersion)
    }

    func validate() throws {
        guard AuditConfiguration.Format(rawValue: auditLogFormat) != nil else {
            throw ValidationError("--audit-log-format: invalid audit log format \(auditLogFormat), allowed formats are \"legacy,json\"")
        }
        for (flag, number) in [("maxage", auditLogMaxAge), ("maxbackup", auditLogMaxBackup), ("maxsize", auditLogMaxSize)] {
            guard number >= 0 else { throw ValidationError("--audit-log-\(flag) \(number) can't be a negative number") }
            guard number <= 1_000_000 else { throw ValidationError("--audit-log-\(flag): \(number) is more than 1000000") }
        }
        _ = try delivery.delivery()
    }

    /// `nil` without a file.
    func log() throws -> AuditConfiguration.Log? {
        guard let auditLogPath else { return nil }
        var log = AuditConfiguration.Log(path: auditLogPath)
        log.format = AuditConfiguration.Format(rawValue: auditLogFormat) ?? .json
        log.delivery = try delivery.delivery()
        log.maxSize = auditLogMaxSize > 0 ? Int64(auditLogMaxSize) << 20 : nil
        log.maxBackups = auditLogMaxBackup > 0 ? auditLogMaxBackup : nil
        log.maxAge = auditLogMaxAge > 0 ? auditLogMaxAge : nil
        log.isCompressed = auditLogCompress
        return log
    }
}
