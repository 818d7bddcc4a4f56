import Glibc
import Logging

let quiet = Logger(label: "runtime") { _ in SwiftLogNoOpLogHandler() }

/// A directory for one test with a name of its own, removed at its end.
final class Scratch: Sendable {
    let path: String
    /// Distinct for each test on this machine, of a length that the kernel takes for an interface.
    let id: String

    init() {
        var template = Array("/tmp/apus-rt-XXXXXX".utf8CString)
        precondition(mkdtemp(&template) != nil, "no directory for the test")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        id = String(path.suffix(6)).lowercased()
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if let stream = opendir(path) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name == "." || name == ".." { continue }
                if entry.pointee.d_type == UInt8(DT_DIR) { remove(path + "/" + name) } else { unlink(path + "/" + name) }
            }
            closedir(stream)
        }
        rmdir(path)
    }

    func write(_ name: String, _ text: String) {
        let file = fopen(path + "/" + name, "w")
        fputs(text, file)
        fclose(file)
    }

    static func read(_ path: String) -> String {
        guard let file = fopen(path, "r") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        return String(decoding: bytes[..<fread(&bytes, 1, bytes.count, file)], as: UTF8.self)
    }
}

/// Why the tests with a real containerd are left out, nil when they can run.
let reasonAgainstContainerd: String? = {
    if geteuid() != 0 { return "needs root" }
    for program in ["/usr/bin/containerd", "/bin/busybox"] where access(program, X_OK) != 0 { return "needs \(program)" }
    return nil
}()
