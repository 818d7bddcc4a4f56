import APIModel
import HTTPTypes
import OrderedCollections
import Testing

@testable import APIServer

/// The Pod Security Standards, check by check, and what a namespace's labels make of them.
@Suite struct PodSecurityTests {
    /// A pod that is let in everywhere.
    private static let harmless: Value = [
        "spec": [
            "securityContext": ["runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"]],
            "containers": [
                [
                    "name": "a", "image": "busybox",
                    "securityContext": ["allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]]],
                ]
            ],
        ]
    ]

    private static func details(_ change: Value, _ level: String, minor: Int? = nil) throws -> String {
        let pod = try Patch.json(harmless, change)
        let level = PodSecurityLevel(level: try #require(PodSecurityLevel.Level(rawValue: level)), minor: minor)
        return PodSecurityStandard.violations(of: PodSecuritySubject(metadata: pod["metadata"], spec: pod["spec"]), level).details
    }

    private static func add(_ path: String, _ value: Value) -> Value { ["op": "add", "path": .string(path), "value": value] }
    private static let container = "/spec/containers/0"
    private static let context = "/spec/containers/0/securityContext"

    static let cases: [(name: String, change: [Value], level: String, minor: Int?, details: String)] = [
        ("harmless", [], "restricted", nil, ""),
        (
            "app armor", [add("\(context)/appArmorProfile", ["type": "Unconfined"])], "baseline", nil,
            #"forbidden AppArmor profile (container "a" must not set AppArmor profile type to "Unconfined")"#
        ),
        (
            "app armor of the pod", [add("/spec/securityContext/appArmorProfile", ["type": "Unconfined"])], "baseline", nil,
            #"forbidden AppArmor profile (pod must not set AppArmor profile type to "Unconfined")"#
        ),
        (
            "app armor by annotation",
            [add("/metadata", ["annotations": ["container.apparmor.security.beta.kubernetes.io/a": "unconfined"]])], "baseline", nil,
            #"forbidden AppArmor profile (annotation must not set AppArmor profile type to "container.apparmor.security.beta.kubernetes.io/a="unconfined"")"#
        ),
        (
            "capabilities", [add("\(context)/capabilities/add", ["NET_ADMIN", "CHOWN"])], "baseline", nil,
            #"non-default capabilities (container "a" must not include "NET_ADMIN" in securityContext.capabilities.add)"#
        ),
        (
            "capabilities, restricted",
            [add("\(context)/capabilities", ["add": ["CHOWN", "NET_BIND_SERVICE"]])], "restricted", nil,
            #"unrestricted capabilities (container "a" must set securityContext.capabilities.drop=["ALL"]; container "a" must not include "CHOWN" in securityContext.capabilities.add)"#
        ),
        ("capabilities before 1.22", [add("\(context)/capabilities", .emptyObject)], "restricted", 21, ""),
        (
            "host namespaces", [add("/spec/hostNetwork", true), add("/spec/hostPID", true), add("/spec/hostIPC", false)], "baseline", nil,
            "host namespaces (hostNetwork=true, hostPID=true)"
        ),
        (
            "host paths", [add("/spec/volumes", [["name": "v", "hostPath": ["path": "/"]]])], "baseline", nil,
            #"hostPath volumes (volume "v")"#
        ),
        (
            "volumes", [add("/spec/volumes", [["name": "v", "hostPath": ["path": "/"]], ["name": "w", "nfs": ["server": "s"]]])],
            "restricted", nil, #"restricted volume types (volumes "v", "w" use restricted volume types "hostPath", "nfs")"#
        ),
        (
            "host ports", [add("\(container)/ports", [["containerPort": 80, "hostPort": 8080]])], "baseline", nil,
            #"hostPort (container "a" uses hostPort 8080)"#
        ),
        (
            "probe hosts", [add("\(container)/livenessProbe", ["httpGet": ["host": "10.0.0.1", "port": 80]])], "baseline", nil,
            #"probe or lifecycle host (container "a" uses probe or lifecycle host "10.0.0.1")"#
        ),
        ("probe hosts before 1.34", [add("\(container)/livenessProbe", ["httpGet": ["host": "10.0.0.1"]])], "baseline", 33, ""),
        (
            "lifecycle hosts", [add("\(container)/lifecycle", ["preStop": ["tcpSocket": ["host": "h"]]])], "baseline", nil,
            #"probe or lifecycle host (container "a" uses probe or lifecycle host "h")"#
        ),
        (
            "privileged", [add("\(context)/privileged", true)], "baseline", nil,
            #"privileged (container "a" must not set securityContext.privileged=true)"#
        ),
        (
            "ephemeral containers count", [add("/spec/ephemeralContainers", [["name": "e", "securityContext": ["privileged": true]]])],
            "baseline", nil, #"privileged (container "e" must not set securityContext.privileged=true)"#
        ),
        (
            "proc mount", [add("\(context)/procMount", "Unmasked")], "baseline", nil,
            #"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#
        ),
        ("proc mount with own users", [add("\(context)/procMount", "Unmasked"), add("/spec/hostUsers", false)], "baseline", nil, ""),
        (
            "proc mount with own users, restricted", [add("\(context)/procMount", "Unmasked"), add("/spec/hostUsers", false)],
            "restricted", nil, #"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#
        ),
        (
            "proc mount with own users before 1.35", [add("\(context)/procMount", "Unmasked"), add("/spec/hostUsers", false)],
            "baseline", 34, #"procMount (container "a" must not set securityContext.procMount to "Unmasked")"#
        ),
        (
            "selinux", [add("\(context)/seLinuxOptions", ["type": "spc_t", "user": "u"])], "baseline", nil,
            #"seLinuxOptions (container "a" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be set)"#
        ),
        ("selinux engine", [add("/spec/securityContext/seLinuxOptions", ["type": "container_engine_t"])], "baseline", 31, ""),
        (
            "selinux engine before 1.31", [add("/spec/securityContext/seLinuxOptions", ["type": "container_engine_t"])], "baseline", 30,
            #"seLinuxOptions (pod set forbidden securityContext.seLinuxOptions: type "container_engine_t")"#
        ),
        (
            "seccomp", [add("\(context)/seccompProfile", ["type": "Unconfined"])], "baseline", nil,
            #"seccompProfile (container "a" must not set securityContext.seccompProfile.type to "Unconfined")"#
        ),
        (
            "seccomp by annotation before 1.19",
            [add("/metadata", ["annotations": ["seccomp.security.alpha.kubernetes.io/pod": "unconfined"]])], "baseline", 18,
            #"seccompProfile (forbidden annotation seccomp.security.alpha.kubernetes.io/pod="unconfined")"#
        ),
        (
            "seccomp, restricted", [["op": "remove", "path": "/spec/securityContext/seccompProfile"]], "restricted", nil,
            #"seccompProfile (pod or container "a" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#
        ),
        (
            "sysctls", [add("/spec/securityContext/sysctls", [["name": "kernel.msgmax"], ["name": "net.ipv4.tcp_rmem"]])], "baseline",
            nil, "forbidden sysctls (kernel.msgmax)"
        ),
        (
            "sysctls before 1.32", [add("/spec/securityContext/sysctls", [["name": "net.ipv4.tcp_rmem"]])], "baseline", 31,
            "forbidden sysctls (net.ipv4.tcp_rmem)"
        ),
        (
            "host process", [add("/spec/securityContext/windowsOptions", ["hostProcess": true])], "baseline", nil,
            "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)"
        ),
        (
            "privilege escalation", [["op": "remove", "path": "/spec/containers/0/securityContext/allowPrivilegeEscalation"]],
            "restricted", nil,
            #"allowPrivilegeEscalation != false (container "a" must set securityContext.allowPrivilegeEscalation=false)"#
        ),
        (
            "windows needs less",
            [
                add("/spec/os", ["name": "windows"]), ["op": "remove", "path": "/spec/containers/0/securityContext"],
                ["op": "remove", "path": "/spec/securityContext/seccompProfile"],
            ], "restricted", nil, ""
        ),
        (
            "root", [["op": "remove", "path": "/spec/securityContext/runAsNonRoot"]], "restricted", nil,
            #"runAsNonRoot != true (pod or container "a" must set securityContext.runAsNonRoot=true)"#
        ),
        (
            "root, said so", [add("\(context)/runAsNonRoot", false)], "restricted", nil,
            #"runAsNonRoot != true (container "a" must not set securityContext.runAsNonRoot=false)"#
        ),
        (
            "user 0", [add("/spec/securityContext/runAsUser", 0)], "restricted", nil, "runAsUser=0 (pod must not set runAsUser=0)"
        ), ("user 0 of its own", [add("/spec/securityContext/runAsUser", 0), add("/spec/hostUsers", false)], "restricted", nil, ""),
        ("nothing is judged", [add("/spec/hostNetwork", true)], "privileged", nil, ""),
    ]

    @Test(arguments: Self.cases.indices) func eachCheck(_ index: Int) throws {
        let tested = Self.cases[index]
        let details = try Self.details(.array(tested.change), tested.level, minor: tested.minor)
        #expect(details == tested.details, "\(tested.name)")
    }

    private let pods = "/api/v1/namespaces/guarded/pods"

    private func with(labels: Value, _ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.with { server in
            let made = await server.ask(.post, "/api/v1/namespaces", ["metadata": ["name": "guarded", "labels": labels]])
            #expect(made.code == 201, "\(made.message)")
            await server.ask(.post, "/api/v1/namespaces/guarded/serviceaccounts", ["metadata": ["name": "default"]])
            try await body(server)
        }
    }

    private func privileged(_ name: String) -> Value {
        var pod = TestServer.pod(name)
        pod["spec"]["hostPID"] = true
        return pod
    }

    @Test func whatIsEnforcedIsRefusedAndWarnedOfInTemplates() async throws {
        try await with(labels: ["pod-security.kubernetes.io/enforce": "baseline"]) { server in
            let refused = await server.ask(.post, pods, privileged("p"))
            #expect(refused.code == 403)
            #expect(
                refused.message == "pods \"p\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces (hostPID=true)")
            #expect(await server.ask(.post, pods, TestServer.pod("q")).code == 201)
            var deployment = TestServer.deployment("d")
            deployment["spec"]["template"]["spec"]["hostPID"] = true
            let made = await server.ask(.post, "/apis/apps/v1/namespaces/guarded/deployments", deployment)
            #expect(made.code == 201)
            #expect(
                made.warnings.contains(#"would violate PodSecurity \"baseline:latest\": host namespaces (hostPID=true)"#))
        }
    }

    @Test func aStricterLabelWarnsOfWhatIsThere() async throws {
        try await with(labels: .null) { server in
            for name in ["b", "a"] { #expect(await server.ask(.post, pods, privileged(name)).code == 201) }
            let labels: Value = ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "baseline"]]]
            let changed = await server.ask(.patch, "/api/v1/namespaces/guarded", labels, type: "application/merge-patch+json")
            #expect(changed.code == 200)
            let warnings = changed.warnings
            #expect(warnings.contains("existing pods in namespace"), "\(warnings)")
            #expect(warnings.contains("a (and 1 other pod): host namespaces"), "\(warnings)")
            let wrong: Value = ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "strict"]]]
            let refused = await server.ask(.patch, "/api/v1/namespaces/guarded", wrong, type: "application/merge-patch+json")
            #expect(refused.code == 422)
            #expect(refused.message.contains("must be one of privileged, baseline, restricted"))
        }
    }
}
