internal import APIModel
internal import PluginHost

/// Streams, where the runtime opens any.
enum RuntimeStreamChecks {
    static let all: [Check] = [
        Check("stream/exec", "An exec stream carries what goes in and comes out, then one Status, then ends.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                try await runtime.withContainer("exec", ["sleep", "1000"]) { id, _ in
                    let stream = try await open(
                        runtime,
                        ["container_id": .string(id), "cmd": ["sh", "-c", "cat; exit 5"], "stdin": true, "stdout": true, "stderr": true])
                    try await closing(stream) {
                        try await stream.send(0, Array("over ".utf8))
                        try await stream.send(0, Array("there".utf8))
                        try await stream.send(0, [])
                        var heard: [Int32: [UInt8]] = [:]
                        var last: Int32 = -1
                        for await piece in stream {
                            heard[piece.channel, default: []] += piece.bytes
                            if !piece.bytes.isEmpty { last = piece.channel }
                        }
                        let output = String(decoding: heard[1] ?? [], as: UTF8.self)
                        try expect(output == "over there", "`cat` was sent \"over there\" and gave back \"\(output)\"")
                        let status = heard[3].flatMap { try? JSON.decode($0) } ?? .null
                        try expect(
                            status["status"].string == "Failure"
                                && status["details"]["causes"].elements.contains { $0["message"].string == "5" },
                            "a command that ended with 5 gave the Status \(heard[3].map { String(decoding: $0, as: UTF8.self) } ?? "none") on channel 3; kubectl reads the exit code from details.causes"
                        )
                        try expect(last == 3, "something came on channel \(last) after the Status, which must be last before the end")
                    }
                }
            }
        },
        Check("stream/close-early", "close ends a stream that has not ended, and returns.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                try await runtime.withContainer("close", ["sleep", "1000"]) { id, _ in
                    let stream = try await open(runtime, ["container_id": .string(id), "cmd": ["sleep", "1000"], "stdout": true])
                    await stream.close()
                    try await runtime.callIfOffered("Version")
                }
            }
        },
        Check("stream/refused", "A stream to a container that does not exist is refused, and nothing is opened.") { plugin in
            try await RuntimeUnderTest.with(plugin) { runtime in
                switch try await refusal(runtime, ["container_id": "conformance-nobody", "cmd": ["true"], "stdout": true]) {
                case nil: throw Failure("open answered OK for a container that does not exist")
                case let error? where error.code == "Unimplemented": throw NotOffered(error.message)
                case let error?:
                    try expect(error.code == "NotFound", "open answered \(error); a container that does not exist is NotFound")
                }
            }
        },
    ]

    private static func open(_ runtime: RuntimeUnderTest, _ request: Value) async throws -> RuntimeStream {
        do {
            return try await runtime.plugin.open(.exec, try Protobuf.encode(request, as: Catalogue.cri.type(named: "ExecRequest")!))
        } catch let error as RuntimeError where error.code == "Unimplemented" {
            throw NotOffered(error.message)
        } catch let error as RuntimeError {
            throw Failure("open of an exec stream answered \(error)")
        }
    }

    /// How `open` of an exec stream is refused, `nil` when it is not.
    private static func refusal(_ runtime: RuntimeUnderTest, _ request: Value) async throws -> RuntimeError? {
        let request = try Protobuf.encode(request, as: Catalogue.cri.type(named: "ExecRequest")!)
        do throws(RuntimeError) {
            try await runtime.plugin.open(.exec, request).close()
            return nil
        } catch {
            return error
        }
    }

    /// Closes the stream however `body` ends.
    private static func closing(_ stream: RuntimeStream, _ body: () async throws -> Void) async throws {
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        await stream.close()
        try result.get()
    }
}
