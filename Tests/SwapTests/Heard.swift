import Logging
import Synchronization

/// The warnings and errors of what runs in a test.
final class Heard: Sendable {
    private let lines = Mutex<[String]>([])

    /// How many of them say `text`.
    func count(_ text: String) -> Int { lines.withLock { $0.count { $0.contains(text) } } }

    var logger: Logger { Logger(label: "test") { _ in Handler(heard: self) } }

    private struct Handler: LogHandler {
        let heard: Heard
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        init(heard: Heard) { self.heard = heard }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) { heard.lines.withLock { $0.append("\(event.message)") } }
    }
}
