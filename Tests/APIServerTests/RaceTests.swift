import APIModel
import HTTPTypes
import OrderedCollections
import Testing

/// Many clients and one object.
@Suite(.timeLimit(.minutes(1))) struct RaceTests {
    private let maps = "/api/v1/namespaces/default/configmaps"

    /// A patch that names no version is not refused because somebody else writes, too: it is made again of what that one left.
    @Test func patchesOfOneObjectAllGetThrough() async throws {
        try await TestServer.with { server in
            await server.ask(.post, maps, TestServer.configMap("m"))
            let codes = await withTaskGroup { group in
                for count in 0..<48 {
                    group.addTask {
                        await server.ask(
                            .patch, "\(maps)/m", ["data": ["key-\(count)": "x"]], type: "application/merge-patch+json"
                        ).code
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes == Array(repeating: 200, count: 48))
            #expect(await server.ask(.get, "\(maps)/m").json["data"].fields.count == 49)
        }
    }

    @Test func ofManyCreatesOneWins() async throws {
        try await TestServer.with { server in
            let codes = await withTaskGroup { group in
                for _ in 0..<16 { group.addTask { await server.ask(.post, maps, TestServer.configMap("m")).code } }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(codes.sorted() == [201] + Array(repeating: 409, count: 15))
        }
    }
}
