import Glibc
import HTTPServer
import HTTPTypes
import NIOCore
import NIOSSL
import Streaming
import Testing

/// Clients that take more than their share: each is cut off, and nobody else notices.
@Suite(.serialized, .timeLimit(.minutes(2))) struct LimitTests {
    private static let get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    /// Much more than any limit of these tests, much less than the defaults.
    private static let soon = Duration.seconds(8)

    @Sendable private static func ok(_ request: Request) async -> Response { .text("ok") }

    private func answers(_ port: Int) async throws -> Bool {
        let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
        defer { Task { await pipe.close() } }
        return try await HTTP1Request(target: "/", host: "a").send(over: pipe).status == 200
    }

    // MARK: Time

    @Test(arguments: ["", "G", "GET / HTTP/1.1\r\nHost: a\r\n"]) func aHeadThatDoesNotComeEndsTheConnection(_ start: String) async throws {
        try await withServer(limits: .with { $0.head = .milliseconds(200) }, answer: Self.ok) { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            if !start.isEmpty { try await pipe.write(start) }
            #expect(await pipe.timeToEnd() < Self.soon)
        }
    }

    @Test func aHeadThatTricklesEndsTheConnection() async throws {
        try await withServer(limits: .with { $0.head = .milliseconds(300) }, answer: Self.ok) { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            // Also the second one, which may begin as late as it likes.
            try await pipe.write(Self.get)
            _ = try await pipe.read(until: "\r\n\r\nok")
            let begin = ContinuousClock.now
            let trickle = Task { while (try? await pipe.write("X")) != nil { try await Task.sleep(for: .milliseconds(50)) } }
            _ = await pipe.timeToEnd()
            #expect(ContinuousClock.now - begin < Self.soon)
            trickle.cancel()
        }
    }

    @Test(arguments: [false, true]) func aBodyThatStallsOrTricklesEndsTheRequest(_ trickles: Bool) async throws {
        let failed = Signal<Bool>()
        try await withServer(
            limits: .with {
                $0.bodyPause = .milliseconds(200)
                $0.body = .milliseconds(600)
            }
        ) { request in
            do { _ = try await request.body.collect(upTo: 1000) } catch { await failed.report(true) }
            return .text("ok")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\nab")
            let trickle = Task { while trickles, (try? await pipe.write("X")) != nil { try await Task.sleep(for: .milliseconds(50)) } }
            #expect(await pipe.timeToEnd() < Self.soon)
            #expect(await failed.wait())
            trickle.cancel()
        }
    }

    @Test func aConnectionWithoutARequestEnds() async throws {
        try await withServer(limits: .with { $0.idle = .milliseconds(200) }, answer: Self.ok) { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write(Self.get)
            #expect(try await pipe.read(until: "\r\n\r\nok").hasSuffix("ok"))
            #expect(await pipe.timeToEnd() < Self.soon)
        }
    }

    @Test(arguments: [false, true]) func aReaderThatStallsIsGivenUpUnlessItMayPause(_ mayPause: Bool) async throws {
        let ended = Signal<Bool>()
        try await withServer(limits: .with { $0.stall = .milliseconds(300) }) { _ in
            .stream(status: .ok, headers: [:]) { body in
                if mayPause { body.allowPauses() }
                do {
                    while true { try await body.write(ByteBuffer(repeating: 1, count: 64 * 1024)) }
                } catch {
                    await ended.report(true)
                    throw error
                }
            }
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write(Self.get)
            if mayPause {
                // Nobody can wait for what must not come: three times as long as it would take.
                try await Task.sleep(for: .milliseconds(900))
                await pipe.close()
            }
            #expect(await ended.wait())
            await pipe.close()
        }
    }

    // MARK: Number

    @Test func whoOpensAndSaysNothingDisplacesItself() async throws {
        try await withServer(limits: .with { $0.waitingPerAddress = 5 }, answer: Self.ok) { _, port in
            var silent: [any RawConnection] = []
            for _ in 0..<12 { silent.append(try await Dialer.connect(host: "127.0.0.1", port: port)) }
            let (ends, ended) = AsyncStream.makeStream(of: Bool.self)
            let readers = silent.map { pipe in
                Task { _ = ended.yield((try? await pipe.read(until: "\r\n\r\nok"))?.hasSuffix("ok") == true) }
            }
            // Which of them go is the order in which the server's loops come to them.
            var end = ends.makeAsyncIterator()
            for _ in 0..<7 { #expect(await end.next() == false) }
            // The others are served when they speak after all.
            for pipe in silent { try? await pipe.write(Self.get) }
            for _ in 0..<5 { #expect(await end.next() == true) }
            for reader in readers { await reader.value }
            #expect(try await answers(port))
            for pipe in silent { await pipe.close() }
        }
    }

    @Test func connectionsAtWorkAreNotDisplacedButBounded() async throws {
        let release = Signal<Bool>()
        let (starts, started) = AsyncStream.makeStream(of: Bool.self)
        try await withServer(
            limits: .with {
                $0.waitingPerAddress = 2
                $0.connectionsPerAddress = 3
            }
        ) { _ in
            started.yield(true)
            _ = await release.wait()
            return .text("ok")
        } whileServing: { _, port in
            var working: [any RawConnection] = []
            var start = starts.makeAsyncIterator()
            for _ in 0..<3 {
                let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
                try await pipe.write(Self.get)
                _ = await start.next()
                working.append(pipe)
            }
            let further = try await Dialer.connect(host: "127.0.0.1", port: port)
            #expect(await further.timeToEnd() < Self.soon)
            await release.report(true)
            for pipe in working {
                #expect(try await pipe.read(until: "\r\n\r\nok").hasSuffix("ok"))
                await pipe.close()
            }
        }
    }

    @Test func tenThousandHalfOpenConnectionsHurtNobody() async throws {
        try await withServer(answer: Self.ok) { _, port in
            let kept = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await kept.write(Self.get)
            _ = try await kept.read(until: "\r\n\r\nok")
            // Blocking calls have a thread of their own.
            async let flood = withCheckedContinuation { done in Thread { done.resume(returning: Self.flood(port, 10_000)) }.start() }
            var answered = 0
            for _ in 0..<50 where try await answers(port) { answered += 1 }
            let sockets = await flood
            #expect(sockets.count == 10_000)
            #expect(answered == 50)
            #expect(try await answers(port))
            for socket in sockets { close(socket) }
            await kept.close()
        }
    }

    /// Opens connections and sends the first byte of a request on every other one.
    private static func flood(_ port: Int, _ count: Int) -> [Int32] {
        var sockets: [Int32] = []
        for index in 0..<count {
            let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let connected = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
            }
            guard socket >= 0, connected == 0 else { break }
            if index % 2 == 0 { send(socket, "G", 1, Int32(MSG_NOSIGNAL)) }
            sockets.append(socket)
        }
        return sockets
    }

    // MARK: Size

    @Test func headsHaveASize() async throws {
        let limits = Limits()
        try await withServer(answer: Self.ok) { _, port in
            let long = String(repeating: "x", count: limits.headSize)
            for (request, status) in [
                ("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n", "431"), ("GET / HTTP/1.1\r\nHost: a\r\nX: \(long)\r\n\r\n", "431"),
                ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: limits.headFields + 1))\r\n", "431"),
                ("GET /?\(String(repeating: "a&", count: limits.parameters))b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "414"),
                ("GET /?\(String(repeating: "a&", count: 500))b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "200"),
            ] {
                let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
                // The server may have answered and closed before it has taken everything.
                try? await pipe.write(request)
                #expect(try await pipe.read(until: "\r\n").hasPrefix("HTTP/1.1 \(status) "), "\(request.prefix(40))")
                await pipe.close()
            }
        }
    }

    @Test func thereIsRoomForDescriptors() {
        _ = Limits()
        var limits = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits)
        #expect(limits.rlim_cur >= min(limits.rlim_max, 65_536))
        #expect(Limits().connections > 500)
    }
}
