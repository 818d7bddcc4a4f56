import Store
import Testing

@Suite struct ListTests {
    @Test func namespacesAreRanges() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        for name in ["ns/b", "ns-a/x", "ns/a", "ns0/y", "n/z", "nsx/1"] { _ = try await store.put(pod(name), body(), expecting: .absent) }
        #expect(try store.list(pods, namespace: "ns").records.map(\.key.name) == ["ns/a", "ns/b"])
        #expect(try store.list(pods).records.count == 6)
        #expect(try store.list(pods, namespace: "none").records.isEmpty)
        #expect(try store.list("/none").records.isEmpty)
        #expect(await failure { _ = try store.list(pods, at: store.revision + 1) } == "future")
        await store.close()
    }

    /// Pages of one revision add up to exactly the state at that revision, whatever is written between them.
    @Test func pagesShowOneRevisionUnderChange() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        var names = SystemRandomNumberGenerator()
        try await withThrowingTaskGroup { group in
            for count in 0..<1_500 {
                group.addTask { _ = try await store.put(pod("\(["a", "b"][count % 2])/\(count)"), body(), expecting: .absent) }
            }
            try await group.waitForAll()
        }
        let expected = try store.list(pods, namespace: "b")
        #expect(expected.records.count == 750)

        var pages: [Record] = []
        while true {
            let page = try store.list(pods, namespace: "b", at: expected.revision, after: pages.last?.key.name, limit: 40)
            pages += page.records
            #expect(page.revision == expected.revision)
            #expect(page.remaining == 750 - pages.count)
            #expect(page.more == (page.remaining > 0))
            if !page.more { break }
            for _ in 0..<20 {
                let name = "b/\(Int.random(in: 0..<2_000, using: &names))"
                switch Int.random(in: 0..<3, using: &names) {
                case 0: _ = try? await store.delete(pod(name), expecting: .any)
                default: _ = try await store.put(pod(name), body("changed"), expecting: .any)
                }
            }
        }
        #expect(pages.map(\.text) == expected.records.map(\.text))
        #expect(try store.list(pods, namespace: "b").records.map(\.text) != pages.map(\.text))
        await store.close()
    }

    @Test func manyRecordsStayInOrder() async throws {
        let scratch = Scratch()
        let store = try scratch.open()
        let names = (0..<3_000).map { "\($0 &* 7_919 % 3_000)" }
        try await withThrowingTaskGroup { group in
            for name in names { group.addTask { _ = try await store.put(pod(name), body(), expecting: .absent) } }
            try await group.waitForAll()
        }
        for name in names.prefix(2_990) { try await store.delete(pod(name), expecting: .any) }
        #expect(try store.list(pods).records.map(\.key.name) == names.suffix(10).sorted())
        #expect(try store.list(pods, limit: 3).remaining == 7)
        await store.close()
    }
}
