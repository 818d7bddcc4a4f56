import APIModel
import CZlib
import HTTPTypes
import Testing

/// Large answers in gzip, for who asks for it.
@Suite struct CompressionTests {
    private static let maps = "/api/v1/namespaces/default/configmaps"

    @Test func onlyLargeAnswersToWhoAsks() async throws {
        try await TestServer.with { server in
            let text = String(repeating: "An apple a day. ", count: 40 * 1024)
            await server.ask(.post, Self.maps, TestServer.configMap("large", data: ["a": .string(text)]))
            for path in [Self.maps, "\(Self.maps)/large"] {
                let plain = await server.ask(.get, path)
                #expect(plain.headers[.contentEncoding] == nil && plain.headers[.vary] == nil)
                for wanted in ["gzip", "br, gzip", "deflate,gzip "] {
                    let answer = await server.ask(.get, path, headers: ["Accept-Encoding": wanted])
                    #expect(answer.headers[.contentEncoding] == "gzip" && answer.headers[.vary] == "Accept-Encoding", "\(wanted)")
                    #expect(answer.headers[.contentType] == "application/json")
                    #expect(answer.body.count < plain.body.count / 10)
                    #expect(Self.inflated(answer.body, room: plain.body.count + 1) == plain.body)
                }
                for other in ["br", "gzip;q=1", "identity"] {
                    #expect(await server.ask(.get, path, headers: ["Accept-Encoding": other]).body == plain.body, "\(other)")
                }
            }
            let small = await server.ask(.get, "/api/v1/namespaces/default", headers: ["Accept-Encoding": "gzip"])
            #expect(small.code == 200 && small.headers[.contentEncoding] == nil)
        }
    }

    /// Letters by chance, in objects of many sizes: nothing that a buffer could hold back or repeat.
    @Test func whatHardlyShrinksComesBackWhole() async throws {
        try await TestServer.with { server in
            for number in 0..<40 {
                let text = String((0..<number * 997).map { _ in Character(Unicode.Scalar(UInt8.random(in: 97...122))) })
                await server.ask(.post, Self.maps, TestServer.configMap("map-\(number)", data: ["a": .string(text)]))
            }
            let plain = await server.ask(.get, Self.maps)
            let answer = await server.ask(.get, Self.maps, headers: ["Accept-Encoding": "gzip"])
            #expect(answer.headers[.contentEncoding] == "gzip" && answer.body.count > plain.body.count / 2)
            #expect(Self.inflated(answer.body, room: plain.body.count + 1) == plain.body)
        }
    }

    private static func inflated(_ bytes: [UInt8], room: Int) -> [UInt8] {
        var (input, stream) = (bytes, z_stream())
        return [UInt8](unsafeUninitializedCapacity: room) { output, count in
            input.withUnsafeMutableBufferPointer { input in
                withUnsafeMutablePointer(to: &stream) { stream in
                    inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
                    stream.pointee.next_in = input.baseAddress
                    stream.pointee.avail_in = UInt32(input.count)
                    stream.pointee.next_out = output.baseAddress
                    stream.pointee.avail_out = UInt32(output.count)
                    let result = inflate(stream, Z_FINISH)
                    count = result == Z_STREAM_END ? output.count - Int(stream.pointee.avail_out) : 0
                    inflateEnd(stream)
                }
            }
        }
    }
}
