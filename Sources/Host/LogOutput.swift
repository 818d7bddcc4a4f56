internal import APIModel
internal import Glibc
internal import Logging

/// Log lines as people read them: time, level, part, message, metadata. To standard error, which `apus up --detach` sends to a file.
struct LogOutput: LogHandler {
    var metadata: Logger.Metadata = [:]
    var logLevel: Logger.Level
    let label: String

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let all = metadata.merging(event.metadata ?? [:]) { $1 }
        let extra = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
        let line = "\(Timestamp.nowMicro()) \(event.level.rawValue.prefix(4).uppercased()) \(label): \(event.message)\(extra)\n"
        // One write a line, so that lines of several threads never mix.
        _ = line.utf8.withContiguousStorageIfAvailable { Glibc.write(2, $0.baseAddress, $0.count) }
    }

    /// - Parameter verbosity: upstream's `--v`: 0 and 1 show what operators need, 2 to 3 more, 4 and above everything.
    static func install(verbosity: Int) {
        let level: Logger.Level = verbosity >= 6 ? .trace : verbosity >= 4 ? .debug : verbosity >= 1 ? .info : .notice
        LoggingSystem.bootstrap { LogOutput(logLevel: level, label: $0) }
    }
}
