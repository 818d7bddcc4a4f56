import Glibc
import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import NIOSSL
import Streaming
import Testing

/// Answers with what the test says.
struct Answers: Responder {
    let answer: @Sendable (Request) async -> Response
    func respond(to request: Request) async -> Response { await answer(request) }
}

extension Response {
    static func text(_ text: String, status: HTTPResponse.Status = .ok) -> Response {
        .full(status: status, headers: [.contentType: "text/plain"], body: [Array(text.utf8)])
    }
}

extension Limits {
    /// The defaults but for what the test is about.
    static func with(_ change: (inout Limits) -> Void) -> Limits {
        var limits = Limits()
        change(&limits)
        return limits
    }
}

/// A server on a free port for the duration of `body`.
func withServer(
    tls: TLSConfiguration? = nil, limits: Limits = Limits(), answer: @escaping @Sendable (Request) async -> Response,
    whileServing body: (HTTPServer, Int) async throws -> Void
) async throws {
    var configuration = HTTPServer.Configuration(host: "127.0.0.1", port: 0, tls: tls)
    configuration.limits = limits
    let server = try HTTPServer(configuration: configuration, responder: Answers(answer: answer), log: Logger(label: "test"))
    let port = try #require(try await server.start().port)
    do {
        try await body(server, port)
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
    await server.shutdown(grace: .zero)
}

/// Runs a program and returns what it printed, standard error included.
func output(_ program: String, _ arguments: [String]) async throws -> String {
    // `popen` waits for the program, so it gets a thread of its own.
    try await withCheckedThrowingContinuation { done in
        let command = ([program] + arguments).map { "'" + $0 + "'" }.joined(separator: " ") + " 2>&1"
        let thread = Thread {
            guard let pipe = popen(command, "r") else { return done.resume(throwing: NetworkError("cannot run \(program)")) }
            var bytes: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65536)
            while case let count = fread(&buffer, 1, buffer.count, pipe), count > 0 { bytes += buffer[..<count] }
            pclose(pipe)
            done.resume(returning: String(decoding: bytes, as: UTF8.self))
        }
        thread.start()
    }
}

/// A detached POSIX thread.
final class Thread: Sendable {
    private let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }

    func start() {
        var id = pthread_t()
        pthread_create(
            &id, nil,
            {
                Unmanaged<Thread>.fromOpaque($0!).takeRetainedValue().body()
                return nil
            }, Unmanaged.passRetained(self).toOpaque())
        pthread_detach(id)
    }
}

/// A directory that is gone after `body`.
func withDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/apus-test-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw NetworkError("cannot make a directory") }
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { system("rm -rf '\(path)'") }
    return try await body(path)
}

/// A self-signed certificate for 127.0.0.1, made by openssl.
struct Identity {
    var certificate: String
    var key: String
    var certificatePath: String
    var keyPath: String

    static func make(in directory: String, name: String) async throws -> Identity {
        let (certificate, key) = ("\(directory)/\(name).crt", "\(directory)/\(name).key")
        _ = try await output(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", certificate,
                "-days", "2", "-subj", "/CN=\(name)",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
            ])
        return Identity(certificate: try read(certificate), key: try read(key), certificatePath: certificate, keyPath: key)
    }

    private static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw NetworkError("cannot read \(path)") }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        return String(decoding: buffer[..<fread(&buffer, 1, buffer.count, file)], as: UTF8.self)
    }
}

/// What happened, for one task to wait for and another to report.
actor Signal<Value: Sendable> {
    private var value: Value?
    private var waiting: [CheckedContinuation<Value, Never>] = []

    func report(_ value: Value) {
        guard self.value == nil else { return }
        self.value = value
        for waiter in waiting { waiter.resume(returning: value) }
        waiting = []
    }

    func wait() async -> Value {
        if let value { return value }
        return await withCheckedContinuation { waiting.append($0) }
    }
}

extension BytePipe {
    /// Reads until `text` is there or the other side is done.
    func read(until text: String) async throws -> String {
        var bytes: [UInt8] = []
        while !String(decoding: bytes, as: UTF8.self).contains(text), let piece = try await read() { bytes += piece.readableBytesView }
        return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ text: String) async throws { try await write(ByteBuffer(string: text)) }

    /// How long it takes until the other side ends the connection.
    func timeToEnd() async -> Duration {
        let begin = ContinuousClock.now
        while let piece = try? await read(), piece.readableBytes > 0 {}
        return ContinuousClock.now - begin
    }
}
