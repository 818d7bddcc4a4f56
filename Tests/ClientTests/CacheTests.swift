import APIModel
import Client
import Logging
import Synchronization
import TestSupport
import Testing

let quiet = Logger(label: "client") { _ in SwiftLogNoOpLogHandler() }

@Suite(.timeLimit(.minutes(1))) struct CacheTests {
    /// Runs `body` with a cache that runs.
    private func withCache(_ api: FakeAPI, _ body: (Cache) async throws -> Void) async throws {
        let cache = Cache(client: api, log: quiet)
        try await withThrowingTaskGroup { group in
            group.addTask { try await cache.run() }
            try await body(cache)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }

    @Test func aCacheFollowsTheAPI() async throws {
        let api = FakeAPI()
        for name in ["b", "a"] { api.put(.pods, "y", name) }
        api.put(.pods, "x", "c")
        try await withCache(api) { cache in
            #expect(!cache.isSynced(.pods))
            try await cache.watch(.pods)
            try await cache.watch(.pods)
            #expect(cache.isSynced(.pods))
            #expect(api.requests("list") == 1)
            #expect(cache.list(.pods).map(\.name) == ["c", "a", "b"])
            #expect(cache.list(.pods, namespace: "y").map(\.name) == ["a", "b"])
            // Objects are shared, not copied.
            #expect(cache.get(.pods, namespace: "x", name: "c") === api.state.withLock { $0.objects["v1/pods/x/c"] })

            api.put(.pods, "x", "d")
            api.put(.pods, "x", "c", text: "changed")
            api.remove(.pods, "y", "a")
            try await eventually("changes") { cache.get(.pods, namespace: "y", name: "a") == nil }
            #expect(cache.list(.pods).map(\.name) == ["c", "d", "b"])
            #expect(cache.get(.pods, namespace: "x", name: "c")?.value["text"].string == "changed")
        }
    }

    @Test func observersGetWhatIsThereAndThenEveryChangeOnce() async throws {
        let api = FakeAPI()
        api.put(.pods, "x", "a", text: "1")
        try await withCache(api) { cache in
            let early = Observed()
            let late = Observed()
            let observation = cache.observe([.pods, .nodes], early.note)
            try await cache.watch(.pods)
            try await cache.watch(.nodes)
            _ = cache.observe([.pods], late.note)
            #expect(early.changes == ["pods a: - → 1"])
            #expect(late.changes == early.changes)

            api.put(.pods, "x", "a", text: "2")
            api.put(.pods, "x", "a", uid: "another", text: "3")
            api.put(.nodes, "", "n", text: "1")
            api.remove(.pods, "x", "a")
            try await eventually("all changes") { early.changes.count == 6 && late.changes.count == 5 }
            #expect(late.changes == ["pods a: - → 1", "pods a: 1 → 2", "pods a: 2 → -", "pods a: - → 3", "pods a: 3 → -"])
            #expect(early.changes.filter { $0 != "nodes n: - → 1" } == late.changes)

            observation.cancel()
            api.put(.pods, "x", "b", text: "1")
            try await eventually("the new one") { late.changes.last == "pods b: - → 1" }
            #expect(early.changes.count == 6)
        }
    }

    @Test func anExpiredWatchListsAgainAndTellsTheDifference() async throws {
        let api = FakeAPI()
        for name in ["stays", "goes", "changes"] { api.put(.pods, "x", name, text: "1") }
        try await withCache(api) { cache in
            try await cache.watch(.pods)
            let observed = Observed()
            _ = cache.observe([.pods], observed.note)
            try await eventually("the watch") { api.requests("watch") == 1 }
            // All of this happens where the watch cannot see it: it ends, and its version is gone when it returns.
            api.state.withLock { $0.isSilent = true }
            api.endWatches()
            try await eventually("the second watch") { api.requests("watch") == 2 }
            api.remove(.pods, "x", "goes")
            api.put(.pods, "x", "changes", text: "2")
            api.put(.pods, "x", "comes", text: "1")
            api.expire()
            api.state.withLock { $0.isSilent = false }
            try await eventually("the difference") { observed.changes.count == 6 }
            #expect(Set(observed.changes.dropFirst(3)) == ["pods goes: 1 → -", "pods changes: 1 → 2", "pods comes: - → 1"])
            #expect(api.requests("list") == 2)
        }
    }

    @Test func failuresAreRetriedUntilItWorks() async throws {
        let api = FakeAPI()
        api.put(.pods, "x", "a")
        api.fail([APIError(code: 503, reason: .serviceUnavailable, message: "not yet")])
        try await withCache(api) { cache in
            try await cache.watch(.pods)
            #expect(cache.list(.pods).count == 1)
            #expect(api.requests("list") == 2)
        }
    }

    @Test func aWatchThatEndsGoesOnWithoutAList() async throws {
        let api = FakeAPI()
        try await withCache(api) { cache in
            try await cache.watch(.pods)
            try await eventually("the watch") { api.requests("watch") == 1 }
            api.endWatches()
            api.put(.pods, "x", "meanwhile")
            try await eventually("the object") { cache.get(.pods, namespace: "x", name: "meanwhile") != nil }
            #expect(api.requests("list") == 1)
        }
    }

    @Test func dependentsAreFoundByTheirOwners() async throws {
        let api = FakeAPI()
        api.put(.pods, "x", "a", owners: ["rs", "other"])
        api.put(.configMaps, "x", "c", owners: ["rs"])
        try await withCache(api) { cache in
            try await cache.watch(.pods)
            try await cache.watch(.configMaps)
            #expect(Set(cache.dependents(of: "rs").map { "\($0.resource) \($0.object.name)" }) == ["v1/pods a", "v1/configmaps c"])
            api.put(.pods, "x", "a", owners: ["other"])
            api.put(.pods, "x", "b", owners: ["rs"])
            api.remove(.configMaps, "x", "c")
            try await eventually("the changes") { cache.dependents(of: "rs").map(\.object.name) == ["b"] }
            #expect(cache.dependents(of: "other").map(\.object.name) == ["a"])
            api.put(.pods, "x", "a", uid: "new", owners: ["other"], text: "recreated")
            try await eventually("the new one") { cache.dependents(of: "other").map(\.object.uid) == ["new"] }
        }
    }
}

/// Notes changes as text.
private final class Observed: Sendable {
    private let list = Mutex<[String]>([])
    var changes: [String] { list.withLock { $0 } }

    func note(_ resource: GroupVersionResource, _ before: Object?, _ after: Object?) {
        let name = (after ?? before)?.name ?? ""
        list.withLock {
            $0.append("\(resource.resource) \(name): \(before?.value["text"].string ?? "-") → \(after?.value["text"].string ?? "-")")
        }
    }
}
