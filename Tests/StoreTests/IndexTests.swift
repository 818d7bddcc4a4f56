import Testing

@testable import Store

/// The words of a record's text, `app=web zone=a`.
private struct Words: Indexer {
    func terms(of body: Body, in collection: String) -> [Term] { Self.terms(body.bytes) }
    func terms(of record: Record) -> [Term] { Self.terms(record.bytes) }

    static func terms(_ bytes: [UInt8]) -> [Term] {
        let parts = String(decoding: bytes, as: UTF8.self).split(separator: "\"")
        return parts[parts.count - 2].split(separator: " ").map { term(String($0)) }
    }

    static func term(_ word: String) -> Term {
        let pair = word.split(separator: "=").map(String.init)
        return Term(.label, pair[0], pair[1])
    }
}

@Suite(.timeLimit(.minutes(1))) struct IndexTests {
    private func open(_ scratch: Scratch) throws -> Store {
        let store = try scratch.open()
        store.use(Words())
        return store
    }

    private func names(_ store: Store, _ words: String..., namespace: String? = nil) throws -> [String] {
        try store.list(pods, namespace: namespace, terms: words.map(Words.term)).records.map(\.key.name)
    }

    @Test func listsByTermHoldWhatHasIt() async throws {
        let scratch = Scratch()
        var store = try open(scratch)
        let texts = [("a/1", "app=web zone=a"), ("a/2", "app=db zone=a"), ("b/1", "app=web zone=b"), ("b/2", "app=web")]
        for (name, text) in texts { _ = try await store.put(pod(name), body(text), expecting: .absent) }
        #expect(try names(store, "app=web") == ["a/1", "b/1", "b/2"])
        #expect(try names(store, "app=web", namespace: "b") == ["b/1", "b/2"])
        #expect(try names(store, "app=none").isEmpty)
        // The rarest of several decides.
        #expect(try names(store, "app=web", "zone=b") == ["b/1"])
        _ = try await store.put(pod("b/2"), body("app=db"), expecting: .any)
        try await store.delete(pod("a/1"), expecting: .any)
        #expect(try names(store, "app=web") == ["b/1"])
        #expect(try names(store, "app=db") == ["a/2", "b/2"])
        await store.close()
        // What comes from disk has its terms, too.
        store = try open(scratch)
        #expect(try names(store, "app=db") == ["a/2", "b/2"])
        _ = try await store.put(pod("a/2"), body("app=web"), expecting: .any)
        #expect(try names(store, "app=db") == ["b/2"])
        await store.close()
    }

    /// Whatever is written between them, pages by term add up to what a scan of the whole list finds at their revision.
    @Test func pagesByTermShowOneRevisionUnderChange() async throws {
        // Nothing of it needs a disk.
        let store = try Store(engine: SharedLog().engine(), log: quiet)
        store.use(Words())
        var random = SystemRandomNumberGenerator()
        func change() async throws {
            let name = pod("\(["a", "b"].randomElement(using: &random)!)/\(Int.random(in: 0..<60, using: &random))")
            if Int.random(in: 0..<4, using: &random) == 0 {
                _ = try? await store.delete(name, expecting: .any)
            } else {
                _ = try await store.put(name, body("app=\(Int.random(in: 0..<3, using: &random))"), expecting: .any)
            }
        }
        for _ in 0..<150 { try await change() }
        for round in 0..<40 {
            let term = Words.term("app=\(round % 3)")
            let namespace = round % 2 == 0 ? "b" : nil
            let whole = try store.list(pods, namespace: namespace)
            let expected = whole.records.filter { Words.terms($0.bytes).contains(term) }.map(\.text)
            var pages: [Record] = []
            while true {
                for _ in 0..<8 { try await change() }
                let page = try store.list(
                    pods, namespace: namespace, terms: [term], at: whole.revision, after: pages.last?.key.name, limit: 4)
                pages += page.records
                #expect(page.remaining == expected.count - pages.count && page.more == (page.remaining > 0))
                guard page.more else { break }
            }
            #expect(pages.map(\.text) == expected)
        }
        await store.close()
    }

    private func sleeping(_ watch: Watch) async -> Task<[Event]?, any Error> {
        let next = Task { try await watch.next() }
        while !watch.isSleeping { await Task.yield() }
        return next
    }

    @Test func aWatchIsWokenByWhatConcernsItAlone() async throws {
        let scratch = Scratch()
        let store = try open(scratch)
        _ = try await store.put(pod("a/mine"), body("node=n1"), expecting: .absent)
        func watch(in namespace: String? = nil, name: String? = nil, _ words: String...) throws -> Watch {
            try store.watch(pods, namespace: namespace, name: name, terms: words.map(Words.term), after: store.revision)
        }
        let watches = [
            "node": try watch("node=n1"), "node in a": try watch(in: "a", "node=n1"), "node in b": try watch(in: "b", "node=n1"),
            "other": try watch("node=n2"), "namespace": try watch(in: "a"), "name": try watch(in: "a", name: "a/mine"), "all": try watch(),
        ]
        // Each change, and whom it wakes: what comes to have the word, has it, and has it no more.
        let changes = [
            (pod("a/x"), "node=n3", ["all", "namespace"]), (pod("b/x"), "node=n1", ["all", "node", "node in b"]),
            (pod("a/x"), "node=n1", ["all", "namespace", "node", "node in a"]),
            (pod("a/mine"), "node=n2", ["all", "name", "namespace", "node", "node in a", "other"]),
        ]
        for (key, text, expected) in changes {
            var tasks: [String: Task<[Event]?, any Error>] = [:]
            for (name, watch) in watches { tasks[name] = await sleeping(watch) }
            let record = try await store.put(key, body(text), expecting: .any)
            for name in expected { #expect(try await tasks[name]?.value?.map(\.revision) == [record.revision], "\(name)") }
            // Those that are woken are woken before the next write is answered, and the others sleep on.
            _ = try await store.put(RecordKey(collection: "/nodes", name: "n"), body("x=y"), expecting: .any)
            for (name, watch) in watches where !expected.contains(name) {
                #expect(watch.isSleeping, "\(name) by \(text)")
                watch.nudge()
                _ = try await tasks[name]?.value
                #expect(watch.progress == store.revision)
            }
        }
        await store.close()
    }

    @Test func aWatchReadsOnlyWhatConcernsIt() async throws {
        let scratch = Scratch()
        let store = try open(scratch)
        let start = store.revision
        for (count, text) in ["n=1", "n=2", "n=1", "n=2 m=1", "n=3"].enumerated() {
            _ = try await store.put(pod("\(count % 2)"), body(text), expecting: .any)
        }
        try await store.delete(pod("1"), expecting: .any)
        let watch = try store.watch(pods, terms: [Words.term("n=2")], after: start)
        #expect(try await watch.next()?.map(\.revision) == [start + 2, start + 4, start + 6])
        #expect(watch.progress == store.revision)
        await store.close()
    }

    /// An idle watch costs a change nothing, however many there are, and does not fall behind.
    @Test func manyWatchesThatAreNotConcernedSleepOn() async throws {
        let scratch = Scratch()
        var options = Options()
        options.historyLimit = 10
        let store = try scratch.open(options)
        store.use(Words())
        let start = store.revision
        let watches = try (0..<500).map { try store.watch(pods, terms: [Words.term("node=\($0)")], after: start) }
        var tasks: [Task<[Event]?, any Error>] = []
        for watch in watches { tasks.append(await sleeping(watch)) }
        for _ in 0..<100 { _ = try await store.put(pod("busy"), body("node=7"), expecting: .any) }
        #expect(watches.count(where: \.isSleeping) == 499)
        _ = await tasks[7].result
        let wanted = try await store.put(pod("rare"), body("node=321"), expecting: .any)
        #expect(try await tasks[321].value?.map(\.revision) == [wanted.revision])
        await store.close()
        for (index, task) in tasks.enumerated() where index != 7 && index != 321 { #expect(try await task.value == nil) }
    }
}
