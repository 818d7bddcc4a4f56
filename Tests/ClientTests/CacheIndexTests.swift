import APIModel
import Client
import TestSupport
import Testing

/// What the cache finds without looking at everything.
@Suite(.timeLimit(.minutes(1))) struct CacheIndexTests {
    private static let sets = GroupVersionResource(group: "apps", version: "v1", resource: "replicasets")
    private static let node = CacheIndex.field(ObjectPath("spec.nodeName")!)
    private static let selector = ObjectPath("spec.selector")!

    /// Runs `body` with a cache that has every index below and is kept up to date.
    private func withCache(_ api: FakeAPI, _ body: (Cache) async throws -> Void) async throws {
        let cache = Cache(client: api, log: quiet)
        for index in [Self.node, .label("app"), .labels, .orphans] { cache.add(index, to: .pods) }
        for resource in [Self.sets, .services] { cache.add(.selector(Self.selector), to: resource) }
        try await withThrowingTaskGroup { group in
            group.addTask { try await cache.run() }
            for resource in [.pods, Self.sets, .services] { try await cache.watch(resource) }
            try await body(cache)
            group.cancelAll()
            await #expect(throws: CancellationError.self) { try await group.next() }
        }
    }

    private func pod(_ name: String, _ namespace: String = "x", node: String = "", labels: [String: String] = [:], owner: String? = nil)
        -> Value
    {
        var pod: Value = ["metadata": ["name": .string(name), "namespace": .string(namespace), "uid": .string("uid-\(name)")]]
        pod["spec"]["nodeName"] = node.isEmpty ? .null : .string(node)
        pod["metadata"]["labels"] = Value(labels)
        if let owner { pod["metadata"]["ownerReferences"] = [["uid": .string(owner), "controller": true]] }
        return pod
    }

    private func put(_ api: FakeAPI, _ resource: GroupVersionResource, _ object: Value) {
        api.store(resource, object["metadata"]["namespace"].string ?? "", object["metadata"]["name"].string ?? "", object)
    }

    private func selecting(_ name: String, in namespace: String = "x", _ selector: Value) -> Value {
        ["metadata": ["name": .string(name), "namespace": .string(namespace), "uid": .string(name)], "spec": ["selector": selector]]
    }

    @Test func aFieldFindsWhatHasItsValue() async throws {
        let api = FakeAPI()
        for (name, node) in [("b", "n1"), ("a", "n1"), ("c", "n2"), ("d", "")] { put(api, .pods, pod(name, node: node)) }
        put(api, .pods, pod("a", "w", node: "n1"))
        try await withCache(api) { cache in
            #expect(cache.list(.pods, where: Self.node, is: "n1")?.map { "\($0.namespace)/\($0.name)" } == ["w/a", "x/a", "x/b"])
            #expect(cache.list(.pods, namespace: "x", where: Self.node, is: "n1")?.map(\.name) == ["a", "b"])
            #expect(cache.list(.pods, where: Self.node, is: "")?.isEmpty == true)
            #expect(cache.list(.pods, where: .field(ObjectPath("spec.hostname")!), is: "n1") == nil)

            put(api, .pods, pod("d", node: "n1"))
            put(api, .pods, pod("b", node: "n2"))
            api.remove(.pods, "w", "a")
            try await eventually("changes") { cache.get(.pods, namespace: "w", name: "a") == nil }
            #expect(cache.list(.pods, where: Self.node, is: "n1")?.map(\.name) == ["a", "d"])
            #expect(cache.list(.pods, where: Self.node, is: "n2")?.map(\.name) == ["b", "c"])
        }
    }

    @Test(arguments: [
        ("app=cart", ["a", "b"]), ("app=cart,tier=front", ["a"]), ("tier=front", ["a", "c"]), ("tier in (front,back)", ["a", "c"]),
        ("app=nobody", []),
        ("app=cart,!tier", ["b"]), ("", ["a", "b", "c"]),
    ])
    func labelsFindWhatASelectorMatches(selector: String, names: [String]) async throws {
        let api = FakeAPI()
        put(api, .pods, pod("a", labels: ["app": "cart", "tier": "front"]))
        put(api, .pods, pod("b", labels: ["app": "cart"]))
        put(api, .pods, pod("c", labels: ["app": "shop", "tier": "front"]))
        put(api, .pods, pod("a", "other", labels: ["app": "cart", "tier": "front"]))
        try await withCache(api) { cache in
            let selector = try LabelSelector(parsing: selector)
            #expect(cache.list(.pods, namespace: "x", matching: selector).map(\.name) == names)
            let everywhere = cache.list(.pods, matching: selector)
            #expect(everywhere.count == names.count + (names.contains("a") ? 1 : 0))
        }
    }

    @Test func selectorsAreFoundByTheLabelsTheyMatch() async throws {
        let api = FakeAPI()
        put(api, Self.sets, selecting("both", ["matchLabels": ["app": "cart", "tier": "front"]]))
        put(api, Self.sets, selecting("app", ["matchLabels": ["app": "cart"]]))
        put(api, Self.sets, selecting("any", ["matchExpressions": [["key": "app", "operator": "Exists"]]]))
        put(api, Self.sets, selecting("all", .emptyObject))
        put(api, Self.sets, selecting("none", .null))
        put(api, Self.sets, selecting("broken", ["matchExpressions": [["key": "app", "operator": "Sideways"]]]))
        put(api, Self.sets, selecting("app", in: "other", ["matchLabels": ["app": "cart"]]))
        put(api, .services, selecting("cart", ["app": "cart"]))
        put(api, .services, selecting("empty", .emptyObject))
        try await withCache(api) { cache in
            func found(_ resource: GroupVersionResource, _ labels: [String: String]) -> [String]? {
                cache.selecting(resource, namespace: "x", Self.selector, labels)?.map(\.name)
            }
            #expect(found(Self.sets, ["app": "cart", "tier": "front"]) == ["all", "any", "app", "both"])
            #expect(found(Self.sets, ["app": "shop"]) == ["all", "any"])
            #expect(found(Self.sets, [:]) == ["all"])
            #expect(found(.services, ["app": "cart", "more": "1"]) == ["cart"])
            #expect(found(.pods, ["app": "cart"]) == nil)

            put(api, Self.sets, selecting("app", ["matchLabels": ["app": "shop"]]))
            api.remove(Self.sets, "x", "any")
            try await eventually("changes") { cache.get(Self.sets, namespace: "x", name: "any") == nil }
            #expect(found(Self.sets, ["app": "cart"]) == ["all"])
            #expect(found(Self.sets, ["app": "shop"]) == ["all", "app"])
        }
    }

    @Test func orphansAreFoundByASelector() async throws {
        let api = FakeAPI()
        put(api, .pods, pod("free", labels: ["app": "cart"]))
        put(api, .pods, pod("owned", labels: ["app": "cart"], owner: "s1"))
        put(api, .pods, pod("other", labels: ["app": "shop"]))
        try await withCache(api) { cache in
            func orphans(_ selector: String) throws -> [String]? {
                cache.orphans(.pods, namespace: "x", matching: try LabelSelector(parsing: selector))?.map(\.name)
            }
            #expect(try orphans("app=cart") == ["free"])
            #expect(try orphans("app") == ["free", "other"])
            #expect(try cache.orphans(Self.sets, namespace: "x", matching: LabelSelector(parsing: "app")) == nil)

            put(api, .pods, pod("owned", labels: ["app": "cart"]))
            put(api, .pods, pod("free", labels: ["app": "cart"], owner: "s2"))
            api.remove(.pods, "x", "other")
            try await eventually("changes") { cache.get(.pods, namespace: "x", name: "other") == nil }
            #expect(try orphans("app") == ["owned"])
        }
    }

    /// An index that comes late has what is there already.
    @Test func anIndexCanBeAddedAtAnyTime() async throws {
        let api = FakeAPI()
        put(api, .nodes, ["metadata": ["name": "n1", "uid": "1", "labels": ["zone": "a"]]])
        try await withCache(api) { cache in
            try await cache.watch(.nodes)
            #expect(cache.list(.nodes, where: .label("zone"), is: "a") == nil)
            cache.add(.label("zone"), to: .nodes)
            cache.add(.label("zone"), to: .nodes)
            #expect(cache.list(.nodes, where: .label("zone"), is: "a")?.map(\.name) == ["n1"])
        }
    }

    @Test func theEndOfAnObjectCanBeWaitedFor() async throws {
        let api = FakeAPI()
        put(api, .pods, pod("a"))
        try await withCache(api) { cache in
            // Another one of the name, and one that was never there, are not waited for.
            try await cache.wait(forEndOf: "uid-b", .pods, namespace: "x", name: "a")
            try await cache.wait(forEndOf: "uid-a", .pods, namespace: "x", name: "nobody")
            async let end: Void = cache.wait(forEndOf: "uid-a", .pods, namespace: "x", name: "a")
            api.remove(.pods, "x", "a")
            try await end
            #expect(cache.get(.pods, namespace: "x", name: "a") == nil)
        }
    }
}
