import APIModel
import Client
import HTTPServer
import HTTPTypes
import NIOCore
import Streaming

/// Takes the requests of a loop of this process to the aggregated servers that answer for them, authorized as those from outside are.
struct AggregationCarrier: Carrier {
    let server: APIServer
    let user: UserInfo

    func send(_ method: String, _ path: String, headers: Headers, body: [UInt8]) async throws -> [UInt8] {
        let answer = try await answer(method, path, headers, body)
        do {
            let bytes = try await Self.whole(answer)
            await answer.pipe.close()
            return bytes
        } catch {
            await answer.pipe.close()
            throw error
        }
    }

    func stream(_ path: String, headers: Headers) async throws -> Pieces {
        let answer = try await answer("GET", path, headers, [])
        guard Self.isGood(answer) else {
            let said = try? await answer.collect(upTo: Self.longestRefusal)
            await answer.pipe.close()
            throw APIError(answer: said ?? [], code: answer.status, phrase: answer.reason)
        }
        return AsyncThrowingStream<ByteBuffer, any Error>(unfolding: {
            do {
                if let piece = try await answer.read() { return piece }
            } catch {
                await answer.pipe.close()
                throw error
            }
            await answer.pipe.close()
            return nil
        })
    }

    private func answer(_ method: String, _ path: String, _ headers: Headers, _ body: [UInt8]) async throws -> HTTP1Response {
        guard let request = Request(method: method, target: path) else { throw APIError.badRequest("too many parameters") }
        let info = try RequestInfo(request)
        try await server.authorize(Attributes(user: user, info))
        // It may have gone since it was looked up.
        guard let service = server.aggregation.service(for: info) else { throw APIError.unknownResource }
        return try await server.aggregation.respond(method, path, headers: headers, body: body, to: service, user: user)
    }

    private static let longestRefusal = 10_000

    private static func isGood(_ answer: HTTP1Response) -> Bool { (200..<300).contains(answer.status) }

    private static func whole(_ answer: HTTP1Response) async throws -> [UInt8] {
        var whole: [UInt8] = []
        while let piece = try await answer.read() { whole += piece.readableBytesView }
        guard isGood(answer) else { throw APIError(answer: whole, code: answer.status, phrase: answer.reason) }
        return whole
    }
}
