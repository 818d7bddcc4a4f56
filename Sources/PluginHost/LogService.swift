internal import Logging
internal import PluginAPI

/// `apus.host.log/1` for one component.
enum LogService {
    private static let levels: [Int32: Logger.Level] = [
        APUS_LOG_ERROR: .error, APUS_LOG_WARNING: .warning, APUS_LOG_INFO: .info, APUS_LOG_DEBUG: .debug,
    ]

    static func table(plugin: String, log: Logger) -> UnsafeRawPointer {
        var log = log
        log[metadataKey: "plugin"] = .string(plugin)
        return hostTable(
            Signatures.hostLog,
            [
                { [log] frame in
                    // A line has the limit of a sentence.
                    log.log(level: levels[frame.int32(1)] ?? .error, "\(LogText.printable(frame.bytes(2).prefix(Signatures.sentence)))")
                    return .nothing
                }
            ])
    }
}
