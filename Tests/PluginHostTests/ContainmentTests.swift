import APIModel
import PluginAPI
import Synchronization
import Testing

@testable import PluginHost

/// Plugins that break the contract: what they answer is not let through, and what they may not do is refused and counted.
@Suite struct ContainmentTests {
    private func run(_ fixture: String, _ kind: ExtensionKind = .controller, _ body: (PluginHost) async throws -> Void) async throws
        -> PluginStatus
    {
        let workshop = try Workshop()
        try workshop.fixture(fixture)
        let host = workshop.host()
        try host.load([Workshop.plugin("broken", kind, library: fixture)])
        try await host.start(services: .noting())
        try await body(host)
        await host.stop()
        return try #require(host.plugins.first)
    }

    @Test(arguments: [
        ("garbage-status", "reconcile answered 77, which is no status"),
        ("again-before-now", "reconcile asked to be called again after -5 ms, which is before now"),
        ("long-sentence", "reconcile wrote more than 64 KiB into a sink"),
    ])
    func anAnswerThatMakesNoSenseIsAFault(_ fixture: String, _ sentence: String) async throws {
        let status = try await run(fixture) { host in
            let outcome = await host.controllers[0].reconcile(ControllerKey(resource: .namespaces, namespace: "", name: "x"))
            #expect("\(outcome)" == "failed(message: \"\(sentence)\")")
        }
        #expect(status.violations == 1 && status.lastViolation == sentence && status.errors == 1 && status.calls == 1)
    }

    @Test(arguments: [
        ("calls-after-stop", "objects.get was called after stop"), ("calls-too-early", "objects.get was called before start"),
    ])
    func theAPIIsRefusedOutsideOfRunning(_ fixture: String, _ sentence: String) async throws {
        let status = try await run(fixture) { _ in }
        #expect(status.violations == 1 && status.lastViolation == sentence)
    }

    @Test func anEventAfterStopIsDropped() async throws {
        let heard = Locked(0)
        let status = try await run("event-after-stop", .runtime) { host in
            _ = await host.runtime?.subscribe { _, _ in heard.change { $0 += 1 } }
        }
        #expect(heard.value == 2, "what it tells in stop comes before stop has returned")
        #expect(status.violations == 1 && status.lastViolation == "changed was called after stop")
    }

    /// To the plugin the stream is open: it is ended before its events go.
    @Test func aStreamThatOpensWithTooManyWordsIsClosed() async throws {
        let status = try await run("open-floods", .runtime) { host in
            let runtime = try #require(host.runtime)
            let error = await #expect(throws: RuntimeError.self) { _ = try await runtime.open(.exec, []) }
            #expect(error?.message == "open wrote more than 64 KiB into a sink")
            #expect(host.plugins[0].slots[4].calls == 1)
        }
        #expect(status.violations == 1 && status.errors == 1)
    }

    @Test(arguments: [
        (Duration.zero, Int64(1)), (.milliseconds(1500), 1500), (.seconds(-5), 1), (.seconds(Int64.max), 3_153_600_000_000),
        (.seconds(Int64.max) + .seconds(120), 3_153_600_000_000),
    ])
    func anyTimeoutIsOneThatARuntimeCanKeep(_ timeout: Duration, _ milliseconds: Int64) {
        #expect(RuntimePlugin.milliseconds(timeout) == milliseconds)
    }

    @Test func aPolicyMayNotCallTheAPI() async throws {
        var nodes = Nodes(3)
        let status = try await run("policy-calls-api", .schedulerPolicy) { host in
            let answer = nodes.with { pod, _, _ in host.withSchedulerPolicies { $0.active[0].prefilter(pod) } }
            #expect(answer.status == APUS_INVALID)
        }
        #expect(status.violations == 1 && status.lastViolation == "objects.fetch was called from inside a scheduler policy's slot")
    }

    @Test func pointsOutsideTheirRangeAreAFault() async throws {
        var nodes = Nodes(3)
        let status = try await run("points-outside", .schedulerPolicy) { host in
            nodes.feasible = 0b101
            var points: [Int32] = [0, 0, 0]
            let fine = nodes.with { pod, nodes, feasible in host.schedulerPolicies[0].score(pod, nodes, feasible, &points) }
            #expect(fine.status == APUS_OK)
            nodes.feasible = 0b111
            let answer = nodes.with { pod, nodes, feasible in host.schedulerPolicies[0].score(pod, nodes, feasible, &points) }
            #expect(answer.status == APUS_FAULT && answer.message == "score gave node node-1 4000 points, outside 0 to 100")
        }
        #expect(status.violations == 1 && status.errors == 1 && status.calls == 2)
    }

    @Test func aBitThatWasClearStaysClear() async throws {
        var nodes = Nodes(3)
        nodes.feasible = 0b101
        let status = try await run("sets-bits", .schedulerPolicy) { host in
            let answer = nodes.with { pod, nodes, feasible in host.schedulerPolicies[0].filter(pod, nodes, feasible) }
            #expect(answer.status == APUS_FAULT && answer.message == "filter set the bit of node node-1, which was clear")
            #expect(nodes.feasible == 0b101)
        }
        #expect(status.violations == 1 && status.lastViolation == "filter set the bit of node node-1, which was clear")
    }

    @Test func aVerdictThatIsNoneIsAFault() async throws {
        var nodes = Nodes(3)
        let status = try await run("wrong-verdict", .schedulerPolicy) { host in
            var reasons: [String] = []
            let answer = nodes.with { pod, nodes, feasible in
                host.schedulerPolicies[0].filter(pod, nodes, feasible) { _, _, reason, _ in reasons.append(reason) }
            }
            #expect(answer.status == APUS_FAULT && reasons.isEmpty)
        }
        #expect(status.lastViolation == "filter gave a reason with the verdict RETRY, not UNSCHEDULABLE or UNRESOLVABLE")
    }

    @Test func aCodeThatIsNoneIsAFault() async throws {
        let status = try await run("odd-code", .runtime) { host in
            let runtime = try #require(host.runtime)
            await #expect(throws: RuntimeError.self) { try await runtime.call("RuntimeService/Version", []) }
        }
        #expect(status.violations == 1 && status.lastViolation == "call gave the code 99, which is none of APUS_CODE_…")
    }

    @Test func aStructureThatDoesNotSayItsSizeIsRefused() async throws {
        let status = try await run("without-size") { host in
            guard case .failed = await host.controllers[0].reconcile(ControllerKey(resource: .namespaces, namespace: "", name: "shop"))
            else {
                Issue.record("a call that is refused must fail the reconcile")
                return
            }
        }
        #expect(status.violations == 1)
        #expect(
            status.lastViolation
                == "objects.get: the apus_object_ref says that it has 0 bytes, fewer than the \(MemoryLayout<apus_object_ref>.size) of ABI 1.0: set its `size`"
        )
    }

    @Test func oneCallerAtATime() async throws {
        let status = try await run("proxy-idle", .proxy) { host in
            let component = try #require(host.entries.withLock { $0[0].serving?.component })
            var inner: LoadedComponent.Answer?
            let outer = component.call(0, apus_proxy.self) { _, _ in
                inner = component.call(0, apus_proxy.self) { _, _ in APUS_OK }
                return APUS_OK
            }
            #expect(outer.status == APUS_OK && inner?.status == APUS_FAULT)
            #expect(component.call(0, apus_proxy.self) { _, _ in APUS_OK }.status == APUS_OK)
        }
        #expect(
            status.violations == 1
                && status.lastViolation == "sync was called while another call was under way, though it takes one at a time")
    }

    @Test func whatTheRulesDoNotGrantIsCounted() async throws {
        let workshop = try Workshop()
        try workshop.compile("Plugins/ExampleController/controller.c", as: "example-controller")
        try workshop.controllerManifest(
            "example", library: "example-controller", component: "namespace-label", extra: "  config: {label: team/shop}")
        let host = workshop.host()
        try host.load()
        let client = NotingClient(refusingPatches: true)
        try await host.start(services: .noting(client))
        guard case .failed = await host.controllers[0].reconcile(ControllerKey(resource: .namespaces, namespace: "", name: "shop")) else {
            Issue.record("a patch that is forbidden must fail the reconcile")
            return
        }
        let status = host.plugins[0]
        #expect(status.forbidden == 1 && status.lastForbidden.hasPrefix("objects.patch: "))
        #expect(status.violations == 0)
        await host.stop()
    }
}

/// Columns of a few Nodes, and a Pod that needs nothing.
private struct Nodes {
    var feasible: UInt64
    private let count: Int

    init(_ count: Int) {
        self.count = count
        feasible = (1 << UInt64(count)) - 1
    }

    mutating func with<R>(_ body: (UnsafePointer<apus_pod>, UnsafePointer<apus_nodes>, UnsafeMutablePointer<UInt64>) -> R) -> R {
        let texts = (0..<count).map { Array("node-\($0)".utf8) }
        // What no fixture reads is zero: only names, and the count, are looked at.
        return withUnsafeTemporaryAllocation(byteCount: MemoryLayout<apus_pod>.size + MemoryLayout<apus_nodes>.size, alignment: 8) {
            memory in
            memory.initializeMemory(as: UInt8.self, repeating: 0)
            let pod = memory.baseAddress!.assumingMemoryBound(to: apus_pod.self)
            let nodes = (memory.baseAddress! + MemoryLayout<apus_pod>.size).assumingMemoryBound(to: apus_nodes.self)
            let flat = texts.flatMap { $0 }
            return flat.withUnsafeBufferPointer { bytes in
                var offset = 0
                let strings = texts.map { text in
                    defer { offset += text.count }
                    return apus_borrowed(bytes: bytes.baseAddress! + offset, count: UInt64(text.count))
                }
                let names = (0..<count).map { apus_string($0) }
                return strings.withUnsafeBufferPointer { strings in
                    names.withUnsafeBufferPointer { names in
                        nodes.pointee.count = UInt32(count)
                        nodes.pointee.string_count = UInt32(count)
                        nodes.pointee.names = names.baseAddress!
                        nodes.pointee.strings = strings.baseAddress!
                        return body(pod, nodes, &feasible)
                    }
                }
            }
        }
    }
}
