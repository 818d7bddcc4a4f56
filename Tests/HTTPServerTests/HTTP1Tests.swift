import HTTPServer
import HTTPTypes
import Logging
import NIOCore
import Streaming
import Testing

@Suite(.timeLimit(.minutes(1))) struct HTTP1Tests {
    @Test func answersPipelinedRequestsInOrder() async throws {
        try await withServer { request in
            if request.path == "/stream" {
                return .stream(status: .ok, headers: [:]) { body in
                    try await body.write(Array("one".utf8))
                    try await Task.sleep(for: .milliseconds(20))
                    try await body.write(Array("two".utf8))
                }
            }
            let body = (try? await request.body.collect(upTo: 10)) ?? []
            return .text("\(request.method) \(request.path) \(String(decoding: body, as: UTF8.self))")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write(
                "GET /stream HTTP/1.1\r\nHost: a\r\n\r\nPOST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            let all = try await pipe.read(until: "never there")
            let bodies = ["3\r\none\r\n", "3\r\ntwo\r\n0\r\n\r\n", "POST /post abc", "GET /last "]
            var rest = all[...]
            for body in bodies {
                let range = try #require(rest.firstRange(of: body), "\(body) in \(all)")
                rest = rest[range.upperBound...]
            }
            #expect(rest.isEmpty)
            #expect(all.contains("Connection: close\r\n"))
        }
    }

    @Test func decodesTheQueryAndKeepsThePathEncoded() async throws {
        try await withServer { request in
            .text(request.path + "|" + request.query.map { "\($0.name)=\($0.value)" }.joined(separator: "|"))
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            let response = try await HTTP1Request(target: "/a%2Fb?x=1%202&x=a+b&flag&bad=%zz&empty=", host: "a").send(over: pipe)
            #expect(String(decoding: try await response.collect(upTo: 1000), as: UTF8.self) == "/a%2Fb|x=1 2|x=a b|flag=|bad=%zz|empty=")
            await pipe.close()
        }
    }

    @Test func refusesWhatIsNoHTTP() async throws {
        try await withServer { _ in
            .text("")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            // The answer, and the end of the connection, may be there before the write is told to be done.
            try? await pipe.write("this is not HTTP\r\n\r\n")
            #expect(try await pipe.read(until: "never there").hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        }
    }

    @Test func aStatusMadeOfANumberHasItsPhrase() async throws {
        try await withServer { _ in
            .text("", status: HTTPResponse.Status(code: 409))
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            #expect(try await pipe.read(until: "never there").hasPrefix("HTTP/1.1 409 Conflict\r\n"))
        }
    }

    @Test func answersHeadWithoutABody() async throws {
        try await withServer { _ in
            .text("four")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let all = try await pipe.read(until: "never there")
            #expect(all.split(separator: "Content-Length: 4").count == 3)
            #expect(all.firstRange(of: "\r\n\r\nHTTP/1.1 200 OK") != nil)
        }
    }

    @Test func readsUploadsAtTheResponderPace() async throws {
        try await withServer { request in
            var count = 0
            while let piece = try? await request.body.read() { count += piece.readableBytes }
            return .text("\(count)")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            let response = try await HTTP1Request(method: "PUT", target: "/", host: "a", body: [UInt8](repeating: 7, count: 8 << 20)).send(
                over: pipe)
            #expect(String(decoding: try await response.collect(upTo: 100), as: UTF8.self) == "\(8 << 20)")
            await pipe.close()
        }
    }

    @Test func sendsLargeBodiesWhole() async throws {
        let big = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try await withServer { _ in
            .full(status: .ok, headers: [:], body: [big, big])
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            let response = try await HTTP1Request(target: "/", host: "a").send(over: pipe)
            #expect(try await response.collect(upTo: .max) == big + big)
            await pipe.close()
        }
    }

    @Test func holdsAStreamBackWhileTheClientDoesNotRead() async throws {
        let written = Counter()
        let ended = Signal<Bool>()
        try await withServer { _ in
            .stream(status: .ok, headers: [:]) { body in
                do {
                    while true {
                        try await body.write(ByteBuffer(repeating: 1, count: 64 * 1024))
                        await written.add(64 * 1024)
                    }
                } catch {
                    await ended.report(true)
                    throw error
                }
            }
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            var last = -1
            while case let now = await written.value, now != last {
                last = now
                try await Task.sleep(for: .milliseconds(200))
            }
            #expect(last > 0 && last < 64 << 20)
            await pipe.close()
            #expect(await ended.wait())
        }
    }

    @Test func cancelsTheRequestOfAClientThatLeaves() async throws {
        let started = Signal<Bool>()
        let cancelled = Signal<Bool>()
        try await withServer { _ in
            await started.report(true)
            try? await Task.sleep(for: .seconds(30))
            await cancelled.report(Task.isCancelled)
            return .text("too late")
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = await started.wait()
            await pipe.close()
            #expect(await cancelled.wait())
        }
    }

    @Test func handsOverTheConnectionWithWhatCameEarly() async throws {
        try await withServer { _ in
            .upgrade(headers: [HTTPField.Name("Upgrade")!: "echo"]) { pipe in
                while let piece = try await pipe.read() { try await pipe.write(piece) }
            }
        } whileServing: { _, port in
            let pipe = try await Dialer.connect(host: "127.0.0.1", port: port)
            try await pipe.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly")
            let answer = try await pipe.read(until: "early")
            #expect(answer.hasPrefix("HTTP/1.1 101 Switching Protocols\r\n"))
            try await pipe.write("late")
            #expect(try await pipe.read(until: "late") == "late")
            await pipe.close()
        }
    }

    @Test func finishesRunningRequestsBeforeItStops() async throws {
        let started = Signal<Bool>()
        try await withServer { _ in
            await started.report(true)
            try? await Task.sleep(for: .milliseconds(300))
            return .text("finished")
        } whileServing: { server, port in
            async let text = output("curl", ["-sS", "http://127.0.0.1:\(port)/"])
            let idle = try await Dialer.connect(host: "127.0.0.1", port: port)
            _ = await started.wait()
            await server.shutdown(grace: .seconds(20))
            #expect(try await text == "finished")
            #expect(try await idle.read() == nil)
            await #expect(throws: NetworkError.self) { try await Dialer.connect(host: "127.0.0.1", port: port) }
        }
    }

    @Test func saysWhichAddressIsTaken() async throws {
        try await withServer { _ in
            .text("")
        } whileServing: { _, port in
            let second = try HTTPServer(
                configuration: .init(host: "127.0.0.1", port: port), responder: Answers { _ in .text("") }, log: Logger(label: "test"))
            let error = await #expect(throws: NetworkError.self) { try await second.start() }
            #expect(error?.message == "cannot listen on 127.0.0.1:\(port): address already in use")
        }
    }
}

actor Counter {
    private(set) var value = 0
    func add(_ count: Int) { value += count }
}
