import FileSystem
import Glibc
import Logging

@testable import Containerd

let quiet = Logger(label: "containerd") { _ in SwiftLogNoOpLogHandler() }

/// Why the tests with a real containerd are left out, nil when they can run.
let reasonAgainstContainerd: String? = {
    if geteuid() != 0 { return "needs root" }
    for program in ["/usr/bin/containerd", "/bin/busybox"] where access(program, X_OK) != 0 { return "needs \(program)" }
    return nil
}()

/// A directory for one test, removed at its end.
final class Scratch: Sendable {
    let path: String
    /// Distinct for each test on this machine.
    let id: String

    init() {
        var template = Array("/tmp/apus-ct-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no directory for the test")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        id = String(path.suffix(6)).lowercased()
    }

    deinit { Files.removeTree(path) }

    func write(_ name: String, _ content: [UInt8]) throws -> String {
        try Files.replace(path + "/" + name, content, mode: 0o600)
        return path + "/" + name
    }
}
