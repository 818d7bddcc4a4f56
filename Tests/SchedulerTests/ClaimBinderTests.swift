import APIModel
import Client
import Logging
import Synchronization
import Testing

@testable import Scheduler

/// What is written about claims before their Pod is bound, to an API in memory, and how long it is waited for their devices.
@Suite struct ClaimBinderTests {
    private final class ClaimAPI: PartialClient {
        struct State: Sendable {
            var claims: [String: Object] = [:]
            var version = 10
            /// So many writes of claims find that somebody else wrote.
            var conflicts = 0
            var refusesPods = false
            var podStatus = Value.null
        }
        private let state: Mutex<State>
        private let changes: AsyncStream<WatchEvent>
        private let change: AsyncStream<WatchEvent>.Continuation

        init(_ claims: [Object] = [], conflicts: Int = 0, refusesPods: Bool = false) {
            var state = State(conflicts: conflicts, refusesPods: refusesPods)
            for claim in claims { state.claims[claim.name] = claim }
            self.state = Mutex(state)
            (changes, change) = AsyncStream.makeStream()
        }

        subscript(_ name: String) -> Value? { state.withLock { $0.claims[name]?.value } }
        var names: [String] { state.withLock { $0.claims.keys.sorted() } }
        var podStatus: Value { state.withLock { $0.podStatus } }

        func put(_ object: Value, _ kind: WatchEvent.Kind = .modified) -> Object {
            state.withLock { state in
                state.version += 1
                var value = object
                value["metadata"]["resourceVersion"] = .string("\(state.version)")
                let new = Object(value)
                state.claims[new.name] = new
                change.yield(WatchEvent(kind: kind, object: new))
                return new
            }
        }

        func get(_ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?) async throws -> Object {
            guard let claim = state.withLock({ $0.claims[name] }) else { throw APIError.notFound(resource.resource, name) }
            return claim
        }
        func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
            ObjectList(items: state.withLock { Array($0.claims.values) }, resourceVersion: "10")
        }
        func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
            WatchStream { [changes] in
                for await event in changes { return event }
                return nil
            }
        }
        func create(
            _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value,
            options: WriteOptions
        ) async throws -> Object {
            var made = object
            made["metadata"]["name"] = .string("\(object["metadata"]["generateName"].string ?? "")made")
            made["metadata"]["uid"] = "uid-made"
            return put(made, .added)
        }
        func update(
            _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value,
            options: WriteOptions
        ) async throws -> Object {
            let isLate = state.withLock { state in
                state.conflicts -= 1
                return state.conflicts >= 0
            }
            if isLate { throw APIError.conflict(resource.resource, name, "it was changed") }
            return put(object)
        }
        func patch(
            _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
            options: WriteOptions
        ) async throws -> Object {
            try state.withLock { state in
                if state.refusesPods { throw APIError.internalError("not now") }
                state.podStatus = patch["status"]
            }
            return Object(patch)
        }
        func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
            guard let old = state.withLock({ $0.claims.removeValue(forKey: name) }) else {
                throw APIError.notFound(resource.resource, name)
            }
            return old
        }
    }

    private static let log = Logger(label: "test")
    private static let finalizer: Value = "resource.kubernetes.io/delete-protection"
    private static let allocation: Value = [
        "devices": ["results": [["request": "x", "driver": "gpu.example.com", "pool": "s", "device": "d1"]]]
    ]

    private static func binder(_ api: ClaimAPI, _ cache: Cache? = nil) -> ClaimBinder {
        ClaimBinder(client: api, cache: cache ?? Cache(client: api, log: log), pod: pod("p"))
    }

    @Test func aClaimGetsItsDevicesAndIsThePods() async throws {
        let claim = Devices.claim("c", [Devices.request("x")])
        let api = ClaimAPI([claim], conflicts: 2)
        let written = Mutex<[String]>([])
        _ = try await Self.binder(api).bind([ClaimBinding(claim: claim, allocation: Self.allocation)]) { claim in
            written.withLock { $0.append(claim.name) }
        }
        let status = api["c"]?["status"] ?? .null
        #expect(api["c"]?["metadata"]["finalizers"] == [Self.finalizer])
        #expect(status["allocation"]["devices"] == Self.allocation["devices"] && !status["allocation"]["allocationTimestamp"].isNull)
        #expect(status["reservedFor"] == [["resource": "pods", "name": "p", "uid": "uid-p"]])
        let told = written.withLock { $0 }
        #expect(told == ["c"])
    }

    @Test func aClaimThatSomebodyElseChangedIsNotWritten() async throws {
        let claim = Devices.claim("c", [Devices.request("x")])
        func failure(_ now: Object?, allocation: Value?) async -> String {
            do {
                // The first write finds that it changed, and looks again.
                let api = ClaimAPI(now.map { [$0] } ?? [], conflicts: 1)
                let before = allocation == nil ? Devices.allocated(claim, Self.allocation) : claim
                _ = try await Self.binder(api).bind([ClaimBinding(claim: before, allocation: allocation)]) { _ in }
                return "done"
            } catch { return "\(error)" }
        }
        let start = "running PreBind plugin \"DynamicResources\": "
        let elsewhere = await failure(Devices.allocated(claim, Self.allocation), allocation: Self.allocation)
        #expect(elsewhere == start + "claim default/c got allocated elsewhere in the meantime")
        #expect(await failure(claim, allocation: nil) == start + "claim default/c got deallocated elsewhere in the meantime")
        var other = claim.value
        other["metadata"]["uid"] = "another"
        #expect(await failure(Object(other), allocation: Self.allocation) == start + "claim default/c got deleted in the meantime")
    }

    @Test func aClaimIsMadeForWhatThePodAsksForByName() async throws {
        var value = Devices.claim("<extended-resources> uid-p", [Devices.request("container-0-request-0")], owner: "p").value
        value["metadata"]["generateName"] = "p-extended-resources-"
        value["metadata"]["annotations"] = [ExtendedResources.annotation: "true"]
        let mappings: [Value] = [
            ["containerName": "c", "resourceName": "example.com/gpu", "requestName": "container-0-request-0"]
        ]
        let binding = ClaimBinding(claim: Object(value), allocation: Self.allocation, mappings: mappings)
        let api = ClaimAPI()
        let bound = try await Self.binder(api).bind([binding]) { _ in }
        #expect(bound.map(\.claim.name) == ["p-extended-resources-made"])
        #expect(api["p-extended-resources-made"]?["status"]["reservedFor"][0]["uid"].string == "uid-p")
        #expect(
            api.podStatus["extendedResourceClaimStatus"]
                == ["requestMappings": .array(mappings), "resourceClaimName": "p-extended-resources-made"])
        // It goes where the Pod is not bound after all, and nobody asks for one that was never made.
        let errors = await Self.binder(api).release(bound.map(\.claim) + [binding.claim])
        #expect(errors.isEmpty && api.names.isEmpty)

        // Nor is one left where the Pod could not be told.
        let busy = ClaimAPI(refusesPods: true)
        await #expect(throws: ClaimBinder.Failure.self) { _ = try await Self.binder(busy).bind([binding]) { _ in } }
        #expect(busy.names.isEmpty)
    }

    /// Devices that are only made ready once they are allocated.
    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("Ready", "done"),
            ("Broken", "running PreBind plugin \"DynamicResources\": device binding failed: claim=c, reason=Why, message=\"no\""),
        ])
    func itIsWaitedForTheConditionsOfDevices(type: String, result: String) async throws {
        var allocation = Self.allocation
        allocation["devices"]["results"][0]["bindingConditions"] = ["Ready"]
        allocation["devices"]["results"][0]["bindingFailureConditions"] = ["Broken"]
        let claim = Devices.allocated(Devices.claim("c", [Devices.request("x")]), allocation, for: ["p"])
        let api = ClaimAPI([claim])
        let cache = Cache(client: api, log: Self.log)
        try await withThrowingTaskGroup(of: String.self) { group in
            group.addTask {
                try? await cache.run()
                return ""
            }
            try await cache.watch(DeviceObjects.claimResource)
            group.addTask {
                do {
                    try await Self.binder(api, cache).wait([ClaimBinding(claim: claim, allocation: nil)], within: .seconds(60))
                    return "done"
                } catch { return "\(error)" }
            }
            var value = claim.value
            var device = allocation["devices"]["results"][0]
            device["conditions"] = [["type": .string(type), "status": "True", "reason": "Why", "message": "no"]]
            value["status"]["devices"] = [device]
            _ = api.put(value)
            #expect(try await group.next() == result)
            group.cancelAll()
        }
    }

    @Test(.timeLimit(.minutes(1))) func andNotForEver() async throws {
        var allocation = Self.allocation
        allocation["devices"]["results"][0]["bindingConditions"] = ["Ready"]
        let claim = Devices.allocated(Devices.claim("c", [Devices.request("x")]), allocation, for: ["p"])
        let binder = Self.binder(ClaimAPI([claim]))
        let error = await #expect(throws: ClaimBinder.Failure.self) {
            try await binder.wait([ClaimBinding(claim: claim, allocation: nil)], within: .milliseconds(1))
        }
        // Nobody told of the claim: it is not there.
        #expect(error.map { "\($0)" }?.contains("DynamicResources") == true)
    }
}
