import APIModel
import Testing

@testable import Kubelet

/// What `PodActions` decides.
@Suite struct DecisionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var spec: Value = .null
        var runtime: PodRuntime
        var health: [String: PodActions.Health] = [:]
        var expected: PodActions
        var testDescription: String { name }
    }

    static let up = PodRuntime(sandboxes: [sandbox()], containers: [container("web", .running)])
    static let initSpec: Value = ["initContainers": [["name": "a", "image": "web:1"], ["name": "b", "image": "web:1"]]]
    static let sidecarSpec: Value = ["initContainers": [["name": "side", "image": "web:1", "restartPolicy": "Always"]]]

    static func actions(_ change: (inout PodActions) -> Void) -> PodActions {
        var actions = PodActions()
        actions.sandbox = "s1"
        change(&actions)
        return actions
    }

    static let cases: [Case] = [
        Case(name: "new pod", runtime: PodRuntime(), expected: PodActions(createSandbox: true, containers: [0])),
        Case(
            name: "new pod with init containers", spec: initSpec, runtime: PodRuntime(),
            expected: PodActions(createSandbox: true, initContainers: [0])),
        Case(name: "all runs", runtime: up, expected: actions { _ in }),
        Case(
            name: "ended, Always", runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("web", .exited)]),
            expected: actions { $0.containers = [0] }),
        Case(
            name: "ended well, OnFailure", spec: ["restartPolicy": "OnFailure"],
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("web", .exited)]),
            expected: actions { $0.killPod = true }),
        Case(
            name: "failed, OnFailure", spec: ["restartPolicy": "OnFailure"],
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("web", .exited, exit: 1)]),
            expected: actions { $0.containers = [0] }),
        Case(
            name: "failed, Never", spec: ["restartPolicy": "Never"],
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("web", .exited, exit: 1)]),
            expected: actions { $0.killPod = true }),
        Case(
            name: "sandbox lost",
            runtime: PodRuntime(sandboxes: [sandbox(isReady: false)], containers: [container("web", .exited, exit: 137)]),
            expected: PodActions(killPod: true, createSandbox: true, attempt: 1, containers: [0])),
        Case(
            name: "sandbox lost, Never", spec: ["restartPolicy": "Never"],
            runtime: PodRuntime(sandboxes: [sandbox(isReady: false)], containers: [container("web", .exited, exit: 137)]),
            expected: PodActions(killPod: true, attempt: 1)),
        Case(
            name: "first init container runs", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("a", .running)]), expected: actions { _ in }),
        Case(
            name: "first init container done", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("a", .exited)]),
            expected: actions { $0.initContainers = [1] }),
        Case(
            name: "init containers done", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("b", .exited), container("a", .exited)]),
            expected: actions { $0.containers = [0] }),
        Case(
            name: "init container failed", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("a", .exited, exit: 1)]),
            expected: actions { $0.initContainers = [0] }),
        Case(
            name: "init containers of an earlier sandbox do not count", spec: initSpec,
            runtime: PodRuntime(
                sandboxes: [sandbox("s2", attempt: 1), sandbox(isReady: false)],
                containers: [container("a", .exited), container("b", .exited)]),
            expected: {
                var actions = PodActions()
                actions.sandbox = "s2"
                actions.initContainers = [0]
                return actions
            }()),
        Case(
            name: "sidecar runs", spec: sidecarSpec, runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("side", .running)]),
            expected: actions { $0.containers = [0] }),
        Case(
            name: "sidecar has not started", spec: sidecarSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("side", .running)]),
            health: ["id-side": .init(isStarted: false)], expected: actions { _ in }),
        Case(
            name: "sidecar ended beside a running container", spec: sidecarSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("web", .running), container("side", .exited)]),
            expected: actions { $0.initContainers = [0] }),
        Case(
            name: "liveness failed", runtime: up, health: ["id-web": .init(failed: .liveness)],
            expected: actions {
                $0.containers = [0]
                $0.kills = [
                    .init(id: "id-web", name: "web", message: "Container web failed liveness probe, will be restarted", probe: .liveness)
                ]
            }),
        Case(
            name: "liveness failed, Never", spec: ["restartPolicy": "Never"], runtime: up, health: ["id-web": .init(failed: .liveness)],
            expected: actions {
                $0.killPod = true
                $0.kills = [.init(id: "id-web", name: "web", message: "Container web failed liveness probe", probe: .liveness)]
            }),
        Case(
            name: "image changed", spec: ["containers": [["name": "web", "image": "web:2"]]], runtime: up,
            expected: actions {
                $0.containers = [0]
                $0.kills = [.init(id: "id-web", name: "web", message: "Container web definition changed, will be restarted")]
            }),
        Case(
            name: "liveness failed, a rule that an exit alone can meet",
            spec: [
                "containers": [
                    [
                        "name": "web", "image": "web:1", "restartPolicy": "Never",
                        "restartPolicyRules": [["action": "Restart", "exitCodes": ["operator": "In", "values": [137]]]],
                    ]
                ]
            ], runtime: up, health: ["id-web": .init(failed: .liveness)],
            expected: actions {
                $0.killPod = true
                $0.kills = [.init(id: "id-web", name: "web", message: "Container web failed liveness probe", probe: .liveness)]
            }),
        Case(
            name: "the first init container was removed, the second runs", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("b", .running)]), expected: actions { _ in }),
        Case(
            name: "nobody knows of the init container", spec: initSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("a", .unknown)]),
            expected: actions {
                $0.initContainers = [0]
                $0.kills = [
                    .init(id: "id-a", name: "a", message: "Init container is in \"Unknown\" state, try killing it before restart")
                ]
            }),
        Case(
            name: "nobody knows of the init container, Never",
            spec: ["restartPolicy": "Never", "initContainers": [["name": "a", "image": "web:1"]]],
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("a", .unknown)]), expected: actions { $0.killPod = true }),
        Case(
            name: "nobody knows of the sidecar, Never",
            spec: ["restartPolicy": "Never", "initContainers": [["name": "side", "image": "web:1", "restartPolicy": "Always"]]],
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("side", .unknown)]),
            expected: actions {
                $0.initContainers = [0]
                $0.kills = [
                    .init(id: "id-side", name: "side", message: "Init container is in \"Unknown\" state, try killing it before restart")
                ]
            }),
        Case(
            name: "a sidecar that had started fails", spec: sidecarSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("side", .running)]),
            health: ["id-side": .init(failed: .liveness)],
            expected: actions {
                ($0.initContainers, $0.containers) = ([0], [0])
                $0.kills = [
                    .init(id: "id-side", name: "side", message: "Init container side failed liveness probe", probe: .liveness)
                ]
            }),
        Case(
            name: "a sidecar does not start", spec: sidecarSpec,
            runtime: PodRuntime(sandboxes: [sandbox()], containers: [container("side", .running)]),
            health: ["id-side": .init(isStarted: false, failed: .startup)],
            expected: actions {
                $0.initContainers = [0]
                $0.kills = [.init(id: "id-side", name: "side", message: "Init container side failed startup probe", probe: .startup)]
            }),
    ]

    @Test(arguments: cases) func decides(_ test: Case) {
        #expect(PodActions.compute(for: pod(test.spec), runtime: test.runtime, health: test.health) == test.expected)
    }

    @Test func backoffGrowsAndResets() {
        let second: Whole = 1_000_000_000
        var backoff = KeyedBackoff()
        var now: Whole = 1_000 * second
        #expect(backoff.deadline("a", since: now, now: now) == nil)
        for wait: Whole in [10, 20, 40, 80, 160, 300, 300] {
            backoff.fail("a", at: now, now: now)
            #expect(backoff.seconds("a") == wait)
            #expect(backoff.deadline("a", since: now, now: now + 1) == now + wait * second)
            now += wait * second
            #expect(backoff.deadline("a", since: now - wait * second, now: now) == nil)
        }
        // Ten quiet minutes begin anew.
        now += 601 * second
        #expect(backoff.deadline("a", since: now, now: now) == nil)
        backoff.fail("a", at: now, now: now)
        #expect(backoff.seconds("a") == 10)
    }

    @Test func restartRules() {
        let rules: Value = [
            "name": "web", "image": "web:1", "restartPolicy": "Never",
            "restartPolicyRules": [["action": "Restart", "exitCodes": ["operator": "In", "values": [42]]]],
        ]
        #expect(RestartPolicy.restarts(rules, of: pod(), afterExit: 42))
        #expect(!RestartPolicy.restarts(rules, of: pod(), afterExit: 1))
        #expect(RestartPolicy.restarts(["name": "web"], of: pod(), afterExit: 0))
    }

    @Test func probesCount() {
        var state = ProbeState(kind: .liveness, spec: ["failureThreshold": 2, "successThreshold": 1])
        // Whether the result changed, and what it is then.
        let expected: [(Bool, Bool, Bool?)] = [
            (false, false, nil), (false, true, false), (true, true, true), (false, false, true), (true, false, true), (false, false, true),
            (false, true, false),
        ]
        for (success, changes, result) in expected {
            let changed = state.observe(success)
            #expect(changed == changes)
            #expect(state.result == result)
        }
    }
}
