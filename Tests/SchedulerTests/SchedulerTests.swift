import APIModel
import Client
import Foundation
import Logging
import PluginHost
import Testing

@testable import Scheduler

/// The whole scheduler against an API in memory: thread, inbox, writers, cache.
@Suite struct SchedulerTests {
    /// Serves what it was made with, notes bindings and conditions, and shows a bound Pod in the watch.
    private final class MemoryAPI: PartialClient {
        struct State: Sendable {
            var bindings: [String: String] = [:]
            var conditions: [String: String] = [:]
            var nominations: [String: String] = [:]
            var deleted: [String] = []
            var refusals: Int
            var version = 100
        }
        let nodes: [Object]
        let pods: [Object]
        let state: Protected<State>
        let changes: AsyncStream<WatchEvent>
        let change: AsyncStream<WatchEvent>.Continuation

        init(nodes: [Object], pods: [Object], refusals: Int = 0) {
            self.nodes = nodes
            self.pods = pods
            state = Protected(State(refusals: refusals))
            (changes, change) = AsyncStream.makeStream()
        }

        func list(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> ObjectList {
            ObjectList(items: resource == .nodes ? nodes : resource == .pods ? pods : [], resourceVersion: "100")
        }
        func watch(_ resource: GroupVersionResource, namespace: String?, options: ListOptions) async throws -> WatchStream {
            guard resource == .pods else {
                return WatchStream {
                    try await Task.sleep(for: .seconds(3600))
                    return nil
                }
            }
            return WatchStream { [changes] in
                for await event in changes { return event }
                return nil
            }
        }
        func create(
            _ resource: GroupVersionResource, namespace: String?, name: String?, subresource: String?, _ object: Value,
            options: WriteOptions
        ) async throws
            -> Object
        {
            guard resource == .pods, subresource == "binding", let name else { return Object(object) }
            let (refused, version) = state.change { state in
                state.refusals -= 1
                state.version += 1
                if state.refusals < 0 { state.bindings[name] = object["target"]["name"].string }
                return (state.refusals >= 0, state.version)
            }
            if refused { throw APIError.internalError("the store is busy") }
            var bound = pods.first { $0.name == name }!.value
            bound["spec"]["nodeName"] = object["target"]["name"]
            bound["metadata"]["resourceVersion"] = .string("\(version)")
            change.yield(WatchEvent(kind: .modified, object: Object(bound)))
            return Object(["kind": "Status", "status": "Success"])
        }
        func patch(
            _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ kind: PatchKind, _ patch: Value,
            options: WriteOptions
        ) async throws -> Object {
            guard subresource == "status" else { return Object(patch) }
            state.change { state in
                state.conditions[name] = patch["status"]["conditions"][0]["message"].string
                if let node = patch["status"]["nominatedNodeName"].string { state.nominations[name] = node }
            }
            return Object(patch)
        }
        func delete(_ resource: GroupVersionResource, namespace: String?, name: String, options: Value) async throws -> Object {
            guard let pod = pods.first(where: { $0.name == name && $0.uid == options["preconditions"]["uid"].string }) else {
                throw APIError.notFound(resource.resource, name)
            }
            let version = state.change { state in
                state.deleted.append(name)
                state.version += 1
                return state.version
            }
            var gone = pod.value
            gone["metadata"]["resourceVersion"] = .string("\(version)")
            change.yield(WatchEvent(kind: .deleted, object: Object(gone)))
            return pod
        }
        func update(
            _ resource: GroupVersionResource, namespace: String?, name: String, subresource: String?, _ object: Value, options: WriteOptions
        ) async throws
            -> Object
        { Object(object) }
    }

    private final class Protected<Value: Sendable>: @unchecked Sendable {
        // Sendable because the lock guards the only access.
        private var stored: Value
        private let lock = NSLock()
        init(_ value: Value) { stored = value }
        var value: Value { lock.withLock { stored } }
        func change<R>(_ body: (inout Value) -> R) -> R { lock.withLock { body(&stored) } }
    }

    @Test(.timeLimit(.minutes(1))) func bindsWhatFitsAndSaysWhyTheRestDoesNot() async throws {
        let host = try await Policies.load()
        let nodes = (0..<10).map { versioned(node("n\($0)", cpu: "2")) }
        let pods = (0..<20).map { versioned(pod("p\($0)", cpu: "1")) } + [versioned(pod("big", cpu: "64"))]
        // The first three binds fail; those Pods must come back.
        let api = MemoryAPI(nodes: nodes, pods: pods, refusals: 3)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let cache = Cache(client: api, log: log)
        let recorder = EventRecorder(client: api, component: "default-scheduler", log: log)
        let scheduler = Scheduler(client: api, cache: cache, policies: host, recorder: recorder, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cache.run() }
            group.addTask { try await scheduler.run() }
            while api.state.value.bindings.count < 20 || api.state.value.conditions["big"] == nil
                || !scheduler.figures.contains(#"scheduler_schedule_attempts_total{result="scheduled",profile="default-scheduler"} 20"#)
            {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(scheduler.healthy)
            for line in [
                #"scheduler_schedule_attempts_total{result="error",profile="default-scheduler"} 3"#,
                #"scheduler_schedule_attempts_total{result="unschedulable",profile="default-scheduler"} "#,
                #"scheduler_scheduling_attempt_duration_seconds_count{result="scheduled",profile="default-scheduler"} 20"#,
                "scheduler_pod_scheduling_attempts_count 20", #"scheduler_pod_scheduling_attempts_bucket{le="1"} 17"#,
                #"scheduler_pod_scheduling_sli_duration_seconds_count{attempts="2"} 3"#,
                #"scheduler_unschedulable_pods{plugin="scheduler-default",profile="default-scheduler"} 1"#,
                #"scheduler_plugin_evaluation_total{plugin="scheduler-default",extension_point="Filter",profile="default-scheduler"} "#,
                #"scheduler_plugin_execution_duration_seconds_count{plugin="scheduler-default",extension_point="Score",status="Success"} "#,
                #"scheduler_goroutines{operation="binding"} "#,
                #"scheduler_pending_pods{queue="unschedulable"} 1"#, #"scheduler_pending_pods{queue="active"} 0"#,
                #"scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 21"#,
                #"scheduler_queue_incoming_pods_total{queue="backoff",event="ScheduleAttemptFailure"} 3"#,
                #"{extension_point="Filter",status="Success",profile="default-scheduler"}"#,
                #"{extension_point="Score",status="Success",profile="default-scheduler"}"#,
                #"scheduler_framework_extension_point_duration_seconds_count{extension_point="Bind",status="Error",profile="default-scheduler"} 3"#,
                "scheduler_preemption_attempts_total ",
            ] { #expect(scheduler.figures.contains(line), "\(line)") }
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result { #expect(error is CancellationError) }
            }
        }
        let state = api.state.value
        #expect(Dictionary(grouping: state.bindings.values, by: \.self).values.allSatisfy { $0.count == 2 })
        #expect(
            state.conditions["big"]
                == "0/10 nodes are available: 10 Insufficient cpu. no new claims to deallocate, preemption: 0/10 nodes are available: 10 Preemption is not helpful for scheduling."
        )
        #expect(!scheduler.healthy)
        await host.stop()
    }

    @Test(.timeLimit(.minutes(1))) func whoeverMakesRoomIsToldWhyAndThePlaceIsTaken() async throws {
        let host = try await Policies.load()
        var urgent = pod("urgent", cpu: "2").value
        urgent["spec"]["priority"] = 10
        let pods = [versioned(pod("small", cpu: "2", on: "n")), versioned(Object(urgent))]
        let api = MemoryAPI(nodes: [versioned(node("n", cpu: "2"))], pods: pods)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let cache = Cache(client: api, log: log)
        let recorder = EventRecorder(client: api, component: "default-scheduler", log: log)
        let scheduler = Scheduler(client: api, cache: cache, policies: host, recorder: recorder, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cache.run() }
            group.addTask { try await scheduler.run() }
            while api.state.value.bindings["urgent"] == nil { try await Task.sleep(for: .milliseconds(10)) }
            #expect(scheduler.figures.contains("scheduler_preemption_victims_sum 1.0\nscheduler_preemption_victims_count 1\n"))
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result { #expect(error is CancellationError) }
            }
        }
        let state = api.state.value
        #expect(state.deleted == ["small"] && state.nominations == ["urgent": "n"] && state.bindings == ["urgent": "n"])
        #expect(state.conditions["small"] == "default-scheduler: preempting to accommodate a higher priority pod")
        #expect(state.conditions["urgent"] == "0/1 nodes are available: 1 Insufficient cpu.")
        await host.stop()
    }

    @Test(.timeLimit(.minutes(1))) func whatAPolicyDoesNotLetBeBoundSaysWhy() async throws {
        let host = try await Policies.queue()
        let pods = [versioned(pod("fine", cpu: "1")), versioned(pod("refused", cpu: "1")), versioned(pod("broken", cpu: "1"))]
        let api = MemoryAPI(nodes: [versioned(node("n", cpu: "4"))], pods: pods)
        let log = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let cache = Cache(client: api, log: log)
        let recorder = EventRecorder(client: api, component: "default-scheduler", log: log)
        let scheduler = Scheduler(client: api, cache: cache, policies: host, recorder: recorder, log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await cache.run() }
            group.addTask { try await scheduler.run() }
            while api.state.value.bindings.isEmpty
                || api.state.value.conditions.count(where: { ["refused", "broken"].contains($0.key) }) < 2
            {
                try await Task.sleep(for: .milliseconds(10))
            }
            group.cancelAll()
            while let result = await group.nextResult() {
                if case .failure(let error) = result { #expect(error is CancellationError) }
            }
        }
        let state = api.state.value
        // Whoever makes Nodes hears of the place before the bind.
        #expect(state.bindings == ["fine": "n"] && state.nominations["fine"] == "n")
        #expect(state.conditions["refused"] == "0/1 nodes are available: 1 not today.")
        #expect(state.conditions["broken"] == "running PreBind plugin \"queue\": it broke")
        await host.stop()
    }

    private func versioned(_ object: Object) -> Object {
        var value = object.value
        value["metadata"]["resourceVersion"] = "50"
        return Object(value)
    }
}
