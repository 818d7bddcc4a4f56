import APIModel
import Testing

@testable import Kubelet

/// Phases, conditions and patches.
@Suite struct StatusTests {
    static let running: Value = ["running": ["startedAt": "2026-01-02T03:04:05Z"]]
    static func ended(_ code: Whole) -> Value { ["terminated": ["exitCode": .int(code)]] }
    static let waiting: Value = ["waiting": ["reason": "ContainerCreating"]]

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var policy = "Always"
        var states: [Value]
        var isDone = false
        var phase: String
    }

    @Test(arguments: [
        Case(testDescription: "nothing yet", states: [waiting], phase: "Pending"),
        Case(testDescription: "one runs, one waits", states: [running, waiting], phase: "Pending"),
        Case(testDescription: "all run", states: [running, running], phase: "Running"),
        Case(testDescription: "one runs, one ended", policy: "Never", states: [running, ended(1)], phase: "Running"),
        Case(testDescription: "all ended well, Always", states: [ended(0)], phase: "Running"),
        Case(testDescription: "all ended well, Never", policy: "Never", states: [ended(0), ended(0)], phase: "Succeeded"),
        Case(testDescription: "one failed, Never", policy: "Never", states: [ended(0), ended(1)], phase: "Failed"),
        Case(testDescription: "one failed, OnFailure", policy: "OnFailure", states: [ended(0), ended(1)], phase: "Running"),
        Case(testDescription: "ended well, OnFailure", policy: "OnFailure", states: [ended(0)], phase: "Succeeded"),
        Case(testDescription: "stopped for good, Always", states: [ended(0)], isDone: true, phase: "Succeeded"),
        Case(testDescription: "killed for good, Always", states: [ended(137)], isDone: true, phase: "Failed"),
    ]) func phases(_ test: Case) {
        let names = test.states.indices.map { "c\($0)" }
        let pod = pod(["restartPolicy": .string(test.policy), "containers": .array(names.map { ["name": .string($0)] })])
        let statuses = zip(names, test.states).map { name, state -> Value in ["name": .string(name), "state": state] }
        #expect(
            PodPhase.compute(pod, initStatuses: [], statuses: statuses, hasInitialized: true, isDone: test.isDone) == test.phase)
    }

    @Test func initContainersHoldThePhase() {
        let spec: Value = ["initContainers": [["name": "i"]], "restartPolicy": "Never"]
        func phase(_ state: Value) -> String {
            PodPhase.compute(
                pod(spec), initStatuses: [["name": "i", "state": state]],
                statuses: [["name": "web", "state": ["waiting": ["reason": "PodInitializing"]]]], hasInitialized: false, isDone: false)
        }
        #expect(phase(Self.running) == "Pending")
        #expect(phase(Self.ended(0)) == "Pending")
        #expect(phase(Self.ended(1)) == "Failed")
    }

    /// A sidecar that begins again holds nothing up once others have begun, also while those wait to begin again.
    @Test func sidecarsHoldThePhaseOnce() {
        let spec: Value = ["initContainers": [["name": "s", "restartPolicy": "Always"]]]
        func phase(hasInitialized: Bool) -> String {
            let web: Value = ["name": "web", "state": ["waiting": ["reason": "CrashLoopBackOff"]], "lastState": Self.ended(1)]
            return PodPhase.compute(
                pod(spec), initStatuses: [["name": "s", "state": Self.running, "started": false]], statuses: [web],
                hasInitialized: hasInitialized, isDone: false)
        }
        #expect(phase(hasInitialized: true) == "Running")
        #expect(phase(hasInitialized: false) == "Pending")
    }

    @Test func conditionsNameTheUnready() {
        let pod = pod(
            ["containers": [["name": "a"], ["name": "b"]], "readinessGates": [["conditionType": "g"]]],
            status: ["conditions": [["type": "g", "status": "False"]]])
        let one = PodConditions.compute(
            pod, initStatuses: [], statuses: [["name": "a", "ready": true, "started": true], ["name": "b", "ready": false]],
            phase: "Running", hasSandbox: true, previous: .null)
        #expect(
            one.first { $0.type == "Ready" }
                == .init(type: "Ready", status: false, reason: "ContainersNotReady", message: "containers with unready status: [b]"))
        let gated = PodConditions.compute(
            pod, initStatuses: [], statuses: [["name": "a", "ready": true], ["name": "b", "ready": true]], phase: "Running",
            hasSandbox: true, previous: .null)
        #expect(gated.first { $0.type == "ContainersReady" }?.status == true)
        #expect(gated.first { $0.type == "Ready" }?.message == "the status of pod readiness gate \"g\" is not \"True\", but False")
    }

    @Test func patchesOnlyWhatChanged() throws {
        let old: Value = [
            "phase": "Pending", "podIP": "10.0.0.1", "podIPs": [["ip": "10.0.0.1"]], "message": "m",
            "conditions": [
                ["type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "x"], ["type": "Other", "status": "True"],
            ],
        ]
        let new: Value = [
            "phase": "Running", "podIP": "10.0.0.2", "podIPs": [["ip": "10.0.0.2"]], "conditions": [["type": "Ready", "status": "True"]],
        ]
        #expect(StatusPatch.make(from: new, to: new, uid: "u").isNull)
        let patch = StatusPatch.make(from: old, to: new, uid: "u")
        let schema = try #require(Catalogue.builtin.type(named: "io.k8s.api.core.v1.Pod"))
        let merged = try Patch.strategic(["metadata": ["uid": "u"], "status": old], patch, schema: schema)["status"]
        #expect(merged["phase"].string == "Running")
        #expect(merged["podIPs"] == [["ip": "10.0.0.2"]])
        #expect(merged["message"].isNull)
        #expect(merged["conditions"].elements.count == 2)
        let ready = merged["conditions"].elements.first { $0["type"].string == "Ready" } ?? .null
        #expect(ready["status"].string == "True")
        #expect(ready["reason"].isNull && ready["message"].isNull)
    }

    @Test func logsOfNothing() {
        func message(_ status: Value, previous: Bool = false) -> String? {
            do throws(ConfigurationError) {
                return "log of " + (try ContainerLogs.container("web", pod: "p", status: status, previous: previous))
            } catch {
                return error.message
            }
        }
        func status(_ state: Value) -> Value { ["containerStatuses": [["name": "web", "state": state, "containerID": "containerd://1"]]] }
        #expect(message(.emptyObject) == "container \"web\" in pod \"p\" is not available")
        #expect(
            message(status(["waiting": ["reason": "ErrImagePull"]]))
                == "container \"web\" in pod \"p\" is waiting to start: image can't be pulled")
        #expect(message(status(Self.waiting)) == "container \"web\" in pod \"p\" is waiting to start: ContainerCreating")
        #expect(message(status(Self.running), previous: true) == "previous terminated container \"web\" in pod \"p\" not found")
        #expect(message(status(Self.running)) == "log of 1")
    }

    @Test func nodeStatusKeepsTransitions() {
        var configuration = KubeletConfiguration(
            nodeName: "n", nodeAddresses: ["192.0.2.1"], podCIDRs: ["10.1.0.0/24"], rootDirectory: "/tmp", podLogsDirectory: "/tmp",
            version: "v1.36.0+apus")
        configuration.taints = ["a=b:NoSchedule"]
        let machine = Machine(rootDirectory: "/tmp", kubeletVersion: "v1.36.0+apus")
        let first = NodeObject(configuration: configuration, machine: machine, now: 100, runtime: "containerd://1.6.20").status(
            .init(), images: [], previous: .null)
        let later = NodeObject(configuration: configuration, machine: machine, now: 200, runtime: "containerd://1.6.20")
        let second = later.status(.init(), images: [], previous: first)
        #expect(NodeObject.isSame(first, second))
        #expect(second["conditions"][3]["lastTransitionTime"] == first["conditions"][3]["lastTransitionTime"])
        #expect(!NodeObject.isSame(second, later.status(.init(notReady: "down"), images: [], previous: second)))
        #expect(later.registration(second)[path: "spec", "taints"] == [["key": "a", "value": "b", "effect": "NoSchedule"]])
        #expect(second[path: "nodeInfo", "containerRuntimeVersion"].string == "containerd://1.6.20")
    }

    /// Two addresses of one type are two, whatever the node had.
    @Test func nodeAddressesAreReplaced() throws {
        func addresses(_ all: [String]) -> Value { ["addresses": .array(all.map { ["type": "InternalIP", "address": .string($0)] })] }
        let schema = try #require(Catalogue.builtin.type(named: "io.k8s.api.core.v1.NodeStatus"))
        for (before, after) in [
            (["192.0.2.1", "2001:db8::1"], ["192.0.2.1", "2001:db8::2"]), (["192.0.2.1"], ["2001:db8::1", "192.0.2.1"]),
        ] {
            #expect(try Patch.strategic(addresses(before), NodeObject.patch(addresses(after)), schema: schema) == addresses(after))
        }
    }
}
