import APIModel
import Synchronization
import TestSupport
import Testing

@testable import Kubelet

/// What a node refuses, by name.
@Suite struct AdmissionTests {
    private static func security(_ field: String, _ value: Value) -> Value { ["securityContext": [field: value]] }
    private static func sysctl(_ name: String) -> Value { security("sysctls", [["name": .string(name), "value": "1"]]) }

    static let refused: [(Value, String, String)] = [
        (["os": ["name": "windows"]], "PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS"),
        (
            security("supplementalGroupsPolicy", "Strict"), "SupplementalGroupsPolicyNotSupported",
            "SupplementalGroupsPolicy=Strict is not supported in this node"
        ),
        (sysctl("kernel.msgmax"), "SysctlForbidden", "forbidden sysctl: \"kernel.msgmax\" not allowlisted"),
        (
            sysctl("net/ipv4/conf/eth0.5/forwarding"), "SysctlForbidden",
            "forbidden sysctl: \"net.ipv4.conf.eth0/5.forwarding\" not allowlisted"
        ),
        (
            ["hostNetwork": true, "securityContext": ["sysctls": [["name": "net.ipv4.tcp_syncookies", "value": "1"]]]], "SysctlForbidden",
            "forbidden sysctl: \"net.ipv4.tcp_syncookies\" not allowed with host net enabled"
        ),
        (
            ["hostIPC": true, "securityContext": ["sysctls": [["name": "kernel.shm_rmid_forced", "value": "1"]]]], "SysctlForbidden",
            "forbidden sysctl: \"kernel.shm_rmid_forced\" not allowed with host ipc enabled"
        ),
        (
            security("appArmorProfile", ["type": "RuntimeDefault"]), "AppArmor",
            "Cannot enforce AppArmor: AppArmor is not enabled on the host"
        ),
    ]

    @Test(arguments: refused) func refuses(_ spec: Value, _ reason: String, _ message: String) {
        let admission = PodAdmission(hasAppArmor: false, features: RuntimeFeatures())
        #expect(admission.refusal(of: pod(spec)) == .init(reason: reason, message: message))
    }

    @Test(
        arguments: [
            .null, sysctl("net.ipv4.tcp_syncookies"), sysctl("net/ipv4/tcp_syncookies"), ["os": ["name": "linux"]],
            security("appArmorProfile", ["type": "Unconfined"]), security("supplementalGroupsPolicy", "Merge"),
        ] as [Value]) func admits(_ spec: Value)
    {
        #expect(PodAdmission(hasAppArmor: false, features: RuntimeFeatures()).refusal(of: pod(spec)) == nil)
    }

    @Test func aRuntimeThatCanIsBelieved() {
        let features = RuntimeFeatures([
            "runtime_handlers": [["name": "", "features": ["recursive_read_only_mounts": true]]],
            "features": ["supplemental_groups_policy": true],
        ])
        #expect(features.recursiveReadOnly("") && !features.recursiveReadOnly("other"))
        let strict = pod(Self.security("supplementalGroupsPolicy", "Strict"))
        #expect(PodAdmission(hasAppArmor: true, features: features).refusal(of: strict) == nil)
    }

    @Test func aRefusedPodHasFailedAndSaysWhy() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: Self.sysctl("kernel.msgmax")))
            bench.client.put(
                .pods, makePod("big", spec: ["containers": [["name": "web", "image": "web:1", "resources": ["requests": ["cpu": 100]]]]]))
            let status = try await bench.wait("rejected") { $0["phase"].string == "Failed" }
            #expect(status["reason"].string == "SysctlForbidden")
            #expect(status["message"].string == "Pod was rejected: forbidden sysctl: \"kernel.msgmax\" not allowlisted")
            let big = try await bench.wait("too big", of: "big") { $0["phase"].string == "Failed" }
            #expect(big["reason"].string == "OutOfcpu")
            #expect(bench.events.message("OutOfcpu") == "Node didn't have enough resource: cpu, requested: 100000, used: 0, capacity: 2000")
            #expect(bench.runtime.count("RunPodSandbox") == 0)
        }
    }

    @Test func handlersAndNamespacesAreAskedForOrRefused() async throws {
        let bench = Bench()
        try await bench.run {
            bench.client.put(.pods, makePod(spec: ["runtimeClassName": "gone"]))
            try await bench.eventually("refused") {
                bench.events.message("FailedCreatePodSandBox")
                    == "Failed to create pod sandbox: runtimeclass.node.k8s.io \"gone\" not found"
            }
            let classes = GroupVersionResource(group: "node.k8s.io", version: "v1", resource: "runtimeclasses")
            bench.client.put(classes, ["metadata": ["name": "gone"], "handler": "kata"])
            try await bench.wait("running") { $0["phase"].string == "Running" }
            #expect(bench.runtime.state.withLock { $0.handlers } == ["kata"])
            bench.client.put(.pods, makePod("users", spec: ["hostUsers": false]))
            try await bench.eventually("refused") {
                bench.events.message("FailedCreatePodSandBox")
                    == "Failed to create pod sandbox: can't set `spec.hostUsers: false`, runtime does not support user namespaces"
            }
        }
    }
}
