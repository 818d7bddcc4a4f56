import Glibc
import PKI

/// A directory that is gone after `body`.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw PKIError("cannot make a directory") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { system("rm -rf '\(path)'") }
    return try await body(path)
}

/// Runs a command line and returns what it printed, standard error included.
func shell(_ command: String) throws -> String {
    guard let pipe = popen(command + " 2>&1", "r") else { throw PKIError("cannot run a shell") }
    defer { pclose(pipe) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { bytes += buffer[..<count] }
    return String(decoding: bytes, as: UTF8.self)
}

func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "w") else { throw PKIError("cannot write \(path)") }
    defer { fclose(file) }
    fputs(text, file)
}

func read(_ path: String) throws -> String {
    guard let file = fopen(path, "r") else { throw PKIError("cannot read \(path)") }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
}

/// The certificate in PEM, as a connection shows it.
func der(_ pem: String) throws -> [UInt8] {
    let text = try shell("echo '\(pem)' | openssl x509 -outform DER | od -An -v -tx1")
    return text.split { $0 == " " || $0 == "\n" }.map { UInt8($0, radix: 16)! }
}
