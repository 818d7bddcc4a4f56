import Foundation
import PluginHost
import Synchronization

/// A program and what it said.
enum Command {
    /// The one that runs.
    static var executable: String { (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? "" }

    static func run(_ words: [String], environment: [String: String] = [:]) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        (process.standardOutput, process.standardError) = (output, output)
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: data, as: UTF8.self))
    }
}

/// Answers every connection with its word.
final class TCPServer: Sendable {
    private let descriptor: Int32

    init(_ address: String, port: UInt16, says word: String = "x") throws {
        descriptor = openSocket(for: address, SOCK_STREAM)
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
        guard withSocketAddress(address, port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 512) == 0 else {
            throw Unexpected("cannot listen at \(address):\(port): \(String(cString: strerror(errno)))")
        }
        startThread(name: "test-server") { [descriptor] in
            while true {
                let connection = accept(descriptor, nil, nil)
                guard connection >= 0 else { return }
                _ = send(connection, word, word.utf8.count, Int32(MSG_NOSIGNAL))
                close(connection)
            }
        }
    }

    /// Ends the listening; the thread goes with it.
    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        close(descriptor)
    }
}

/// Clients that ask one after another, each over a connection of its own, and note what went wrong.
final class Requests: Sendable {
    private struct State {
        var answers = 0
        var failures: [String] = []
        var isOver = false
        var waiting: [(count: Int, waiter: CheckedContinuation<Void, Never>)] = []
    }
    private let address: String
    private let port: UInt16
    private let state = Mutex(State())

    init(to address: String, port: UInt16) {
        self.address = address
        self.port = port
    }

    var failures: [String] { state.withLock { $0.failures } }

    /// Asks until something answers.
    func waitForFirst() async throws {
        try await limited(60, "a first answer") { [self] in
            while ask() != nil { try await Task.sleep(for: .milliseconds(10)) }
        } otherwise: { [self] in
            ask() ?? ""
        }
    }

    /// Asks with `clients` threads until `stop`.
    func start(_ clients: Int) {
        for _ in 0..<clients {
            startThread(name: "test-client") { [self] in
                while !state.withLock({ $0.isOver }) {
                    let failure = ask()
                    note(failure)
                }
            }
        }
    }

    func stop() {
        state.withLock { $0.isOver = true }
        wake { _, _ in true }
    }

    /// Returns after `count` further answers. A wait that takes too long is a failure.
    func waitForMore(_ count: Int) async throws {
        let goal = state.withLock { $0.answers } + count
        try await limited(60, "\(count) more answers") { [self] in
            await withCheckedContinuation { waiter in
                let isDone = state.withLock { state in
                    if state.answers < goal, !state.isOver { state.waiting.append((goal, waiter)) }
                    return state.answers >= goal || state.isOver
                }
                if isDone { waiter.resume() }
            }
        } otherwise: { [self] in
            // Whoever waits must not wait for ever.
            stop()
            return "\(failures.prefix(10))"
        }
    }

    private func note(_ failure: String?) {
        state.withLock { state in
            if let failure, !state.isOver { state.failures.append(failure) }
            if failure == nil { state.answers += 1 }
        }
        wake { $0.count <= $1 }
    }

    private func wake(_ isDue: ((count: Int, waiter: CheckedContinuation<Void, Never>), Int) -> Bool) {
        let woken = state.withLock { state in
            let answers = state.answers
            let woken = state.waiting.filter { isDue($0, answers) }
            state.waiting.removeAll { isDue($0, answers) }
            return woken.map(\.waiter)
        }
        for waiter in woken { waiter.resume() }
    }

    /// What one request is answered.
    func answer() throws -> String {
        switch request() {
        case .success(let answer): return answer
        case .failure(let failure): throw failure
        }
    }

    /// One request; why it failed, `nil` when it did not.
    private func ask() -> String? {
        if case .failure(let failure) = request() { failure.description } else { nil }
    }

    /// Blocks, five seconds at most.
    private func request() -> Result<String, Unexpected> {
        let connection = openSocket(for: address, SOCK_STREAM)
        defer { close(connection) }
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        guard withSocketAddress(address, port, { connect(connection, $0, $1) }) == 0 else {
            return .failure(Unexpected("connect: \(String(cString: strerror(errno)))"))
        }
        var byte: UInt8 = 0
        guard recv(connection, &byte, 1, 0) == 1 else { return .failure(Unexpected("recv: \(String(cString: strerror(errno)))")) }
        return .success(String(UnicodeScalar(byte)))
    }
}

/// Of the family of the address.
func openSocket(for address: String, _ type: __socket_type, blocks: Bool = true) -> Int32 {
    let flags = Int32(SOCK_CLOEXEC.rawValue) | (blocks ? 0 : Int32(SOCK_NONBLOCK.rawValue))
    return Glibc.socket(address.contains(":") ? AF_INET6 : AF_INET, Int32(type.rawValue) | flags, 0)
}

func withSocketAddress<R>(_ address: String, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> R) -> R {
    func pass<Name>(_ name: Name) -> R {
        withUnsafePointer(to: name) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Name>.size)) }
        }
    }
    guard address.contains(":") else {
        var inet = sockaddr_in()
        inet.sin_family = sa_family_t(AF_INET)
        inet.sin_port = port.bigEndian
        inet_pton(AF_INET, address, &inet.sin_addr)
        return pass(inet)
    }
    var inet = sockaddr_in6()
    inet.sin6_family = sa_family_t(AF_INET6)
    inet.sin6_port = port.bigEndian
    inet_pton(AF_INET6, address, &inet.sin6_addr)
    return pass(inet)
}
