import Logging
import PluginAPI
import Testing

@testable import PluginHost

/// What a plugin logs arrives as `apus/host.h` says.
@Suite struct LogServiceTests {
    private struct Line: Equatable {
        var level: Logger.Level
        var text: String
        var plugin: String?
    }

    private struct Notebook: LogHandler {
        let lines: Locked<[Line]>
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            lines.change { $0.append(Line(level: event.level, text: "\(event.message)", plugin: metadata["plugin"]?.description)) }
        }
    }

    private func logged(_ level: Int32, _ text: String) -> [Line] {
        let lines = Locked<[Line]>([])
        let table = LogService.table(plugin: "teller", log: Logger(label: "test") { _ in Notebook(lines: lines) }).assumingMemoryBound(
            to: apus_host_log.self)
        text.withBorrowed { table.pointee.write(nil, level, $0) }
        return lines.value
    }

    @Test(arguments: [
        (APUS_LOG_ERROR, Logger.Level.error), (APUS_LOG_WARNING, .warning), (APUS_LOG_INFO, .info), (APUS_LOG_DEBUG, .debug), (77, .error),
        (-1, .error),
    ])
    func aLineHasItsLevel(level: Int32, expected: Logger.Level) {
        #expect(logged(level, "hear this") == [Line(level: expected, text: "hear this", plugin: "teller")])
    }

    @Test func aLongLineIsCut() {
        #expect(logged(APUS_LOG_INFO, String(repeating: "a", count: 1 << 20)).map(\.text.utf8.count) == [64 << 10])
    }
}
