import Glibc
import Logging
import Store

/// A directory for one test, removed at its end.
final class Scratch: Sendable {
    let directory: String
    var path: String { directory + "/store.db" }

    init() {
        var template = Array("/tmp/apus-store-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no directory for the test")
        directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for suffix in ["", "-wal", "-journal", ".lock"] { unlink(path + suffix) }
        rmdir(directory)
    }

    func open(_ options: Options = Options()) throws(StoreError) -> Store { try Store(path: path, options: options, log: quiet) }

    func contents() -> [UInt8] {
        let file = fopen(path, "r")
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return Array(bytes[..<fread(&bytes, 1, bytes.count, file)])
    }

    func write(_ bytes: [UInt8]) {
        let file = fopen(path, "w")
        fwrite(bytes, 1, bytes.count, file)
        fclose(file)
    }
}

let quiet = Logger(label: "store") { _ in SwiftLogNoOpLogHandler() }
let pods = "/pods"

func pod(_ name: String) -> RecordKey { RecordKey(collection: pods, name: name) }

/// An object that holds its revision and some text.
func body(_ text: String = "x") -> Body {
    let start = #"{"resourceVersion":""#
    return Body(bytes: Array((start + #"","text":"\#(text)"}"#).utf8), resourceVersionOffset: start.utf8.count)
}

func text(_ revision: UInt64, _ text: String = "x") -> String { #"{"resourceVersion":"\#(revision)","text":"\#(text)"}"# }

extension Record {
    var text: String { String(decoding: bytes, as: UTF8.self) }
}

extension StoreError {
    /// The code without what comes with it.
    var kind: String {
        switch code {
        case .conflict: "conflict"
        case .exists: "exists"
        case .notFound: "notFound"
        case .compacted: "compacted"
        case .future: "future"
        case .closed: "closed"
        case .engine: "engine"
        }
    }
}

/// The code of the error that `body` throws, "" when it throws none.
func failure(_ body: () async throws -> Void) async -> String {
    do {
        try await body()
        return ""
    } catch {
        return (error as? StoreError)?.kind ?? "\(error)"
    }
}
