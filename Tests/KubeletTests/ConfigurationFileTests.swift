import APIModel
import OrderedCollections
import Testing

@testable import Kubelet

/// What `--config` reads and `/configz` shows.
@Suite struct ConfigurationFileTests {
    private static func file(_ fields: Value) -> Value {
        var file: Value = ["apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration"]
        for (name, value) in fields.fields { file[name] = value }
        return file
    }

    private static func configuration() -> KubeletConfiguration {
        KubeletConfiguration(
            nodeName: "node", nodeAddresses: [], podCIDRs: [], rootDirectory: "/nowhere", podLogsDirectory: "/nowhere", version: "v1.36.0")
    }

    private static func read(_ fields: Value) throws -> KubeletConfiguration {
        var configuration = configuration()
        try ConfigurationFile.apply(file(fields), to: &configuration)
        return configuration
    }

    @Test func everySettingComesBackAsItWasGiven() throws {
        let fields: Value = [
            "address": "192.0.2.7", "port": 10251, "clusterDomain": "example.org", "clusterDNS": ["192.0.2.10"],
            "resolvConf": "/run/resolv.conf", "maxPods": 17, "containerLogMaxSize": "5Mi", "containerLogMaxFiles": 3,
            "imagePullCredentialsVerificationPolicy": "NeverVerifyAllowlistedImages",
            "preloadedImagesVerificationAllowlist": ["r.example/web", "r.example/team/*"],
            "imageMinimumGCAge": "5m0s", "imageMaximumGCAge": "1h0m0s", "imageGCHighThresholdPercent": 70, "imageGCLowThresholdPercent": 60,
            "evictionHard": ["memory.available": "5%", "pid.available": "100"], "evictionSoft": ["memory.available": "1Gi"],
            "evictionSoftGracePeriod": ["memory.available": "1m30s"], "evictionMinimumReclaim": ["memory.available": "10Mi"],
            "evictionPressureTransitionPeriod": "30s", "evictionMaxPodGracePeriod": 60, "systemReserved": ["cpu": "100m"],
            "kubeReserved": ["cpu": "200m", "memory": "1Gi"], "allowedUnsafeSysctls": ["kernel.msg*"],
            "cpuManagerPolicy": "static", "cpuManagerReconcilePeriod": "5s", "topologyManagerPolicy": "single-numa-node",
            "topologyManagerScope": "pod", "memoryManagerPolicy": "Static",
            "reservedMemory": [
                ["numaNode": 0, "limits": ["memory": "1Gi", "hugepages-2Mi": "4Mi"]], ["numaNode": 1, "limits": ["memory": "1Gi"]],
            ],
            "nodeStatusMaxImages": -1, "nodeStatusUpdateFrequency": "20s", "nodeStatusReportFrequency": "1m0s",
            "nodeLeaseDurationSeconds": 20, "containerLogMonitorInterval": "30s", "podLogsDir": "/var/log/pods", "providerID": "metal://7",
            "seccompDefault": true, "podPidsLimit": 100, "crashLoopBackOff": ["maxContainerRestartPeriod": "20s"],
            "shutdownGracePeriodByPodPriority": [["priority": 10, "shutdownGracePeriodSeconds": 7]],
            "registerWithTaints": [["key": "new", "value": "yes", "effect": "NoSchedule"], ["key": "other", "effect": "NoExecute"]],
        ]
        let configuration = try Self.read(fields)
        #expect(configuration.taints == ["new=yes:NoSchedule", "other:NoExecute"])
        #expect(configuration.eviction.thresholds.map(\.grace) == [nil, nil, 90])
        let shown = ConfigurationFile.configz(configuration)["kubeletconfig"]
        for (name, value) in Self.file(fields).fields { #expect(shown[name] == value, "\(name)") }
        // What is shown can be read again.
        var again = Self.configuration()
        try ConfigurationFile.apply(shown, to: &again)
        #expect(ConfigurationFile.configz(again)["kubeletconfig"] == shown)
    }

    @Test func cpusThatAreNamedAreAllThatIsReserved() throws {
        let configuration = try Self.read([
            "reservedSystemCPUs": "0-1,3", "kubeReserved": ["cpu": "1", "memory": "1Gi"], "systemReserved": ["cpu": "500m"],
        ])
        #expect(configuration.kubeReserved == ["memory": "1Gi"] && configuration.systemReserved == ["cpu": "3"])
    }

    /// As files that other tools write have it.
    @Test func nothingAtAllIsTheDefault() throws {
        let zeros: Value = [
            "imageMinimumGCAge": "0s", "evictionPressureTransitionPeriod": "0s", "cpuManagerReconcilePeriod": "0s",
            "syncFrequency": "0s", "nodeStatusUpdateFrequency": "0s", "runtimeRequestTimeout": "0s", "volumePluginDir": "",
            "authentication": ["anonymous": ["enabled": false], "webhook": ["cacheTTL": "0s"], "x509": .emptyObject],
            "authorization": ["webhook": ["cacheAuthorizedTTL": "0s", "cacheUnauthorizedTTL": "0s"]], "memorySwap": .emptyObject,
            "logging": [
                "flushFrequency": 0, "options": ["json": ["infoBufferSize": "0"], "text": ["infoBufferSize": "0"]], "verbosity": 0,
            ],
        ]
        let configuration = try Self.read(zeros)
        #expect(configuration.imageCollection.minimumAge == 120 && configuration.cpuReconcilePeriod == 10)
        #expect(configuration.eviction.settings.transitionPeriod == 300)
    }

    /// Each of upstream's is there, so that none is met that nobody thought of.
    @Test func everySettingIsKnown() {
        let names = ConfigurationField.all.map(\.name)
        #expect(names.count == Set(names).count && names.count == 125, "\(names.count)")
    }

    @Test func upstreamsDefaultsAreShown() {
        let shown = ConfigurationFile.configz(Self.configuration())["kubeletconfig"]
        #expect(shown["imageGCHighThresholdPercent"].int == 85 && shown["imageMinimumGCAge"].string == "2m0s")
        #expect(shown["evictionHard"] == Value(EvictionSettings.defaultHard) && shown["evictionPressureTransitionPeriod"].string == "5m0s")
        #expect(shown["imagePullCredentialsVerificationPolicy"].string == "NeverVerifyPreloadedImages")
        #expect(shown["containerLogMaxSize"].string == "10Mi" && shown["maxPods"].int == 110)
    }

    @Test func whatIsNotNamedIsOffUnlessItIsMerged() throws {
        let hard: Value = ["memory.available": "1Gi"]
        #expect(try Self.read(["evictionHard": hard]).eviction.settings.hard == ["memory.available": "1Gi"])
        let merged = try Self.read(["evictionHard": hard, "mergeDefaultEvictionSettings": true]).eviction.settings.hard
        #expect(merged["memory.available"] == "1Gi" && merged["nodefs.available"] == "10%")
    }

    static let wrong: [(Value, String)] = [
        (["volumePluginDirs": "/plugins"], "unknown field \"volumePluginDirs\": this kubelet has no such setting"),
        (["volumePluginDir": "/plugins"], "volumePluginDir: \"/plugins\" is not \"\", all there is here: FlexVolume is not spoken here"),
        (
            ["authentication": ["anonymous": ["enabled": true]]],
            "authentication: {\"anonymous\":{\"enabled\":true}} is not {\"anonymous\":{\"enabled\":false},\"webhook\":{\"enabled\":true,\"cacheTTL\":\"2m0s\"},\"x509\":{\"clientCAFile\":\"\"}}, all there is here: the kubelet does it in no other way, and flags say the rest"
        ),
        (
            ["reservedMemory": [["numaNode": 0, "limits": ["disk": "1"]]]],
            "reservedMemory: invalid configuration: the limit type \"disk\" for NUMA node 0 is not supported, only [memory hugepages-<HugePageSize>] is accepted"
        ),
        (
            ["reservedMemory": [["numaNode": 0, "limits": ["memory": "0"]]]],
            "reservedMemory: invalid configuration: reserved memory may not be zero for NUMA node 0 and resource \"memory\""
        ),
        (
            ["reservedMemory": [["numaNode": 1, "limits": ["memory": "1"]], ["numaNode": 1, "limits": ["memory": "1"]]]],
            "reservedMemory: invalid configuration: the reserved memory has a duplicate value for NUMA node 1 and resource \"memory\""
        ),
        (
            ["crashLoopBackOff": ["maxContainerRestartPeriod": "10m"]],
            "crashLoopBackOff: invalid configuration: CrashLoopBackOff.MaxContainerRestartPeriod (got: 600 seconds) must be set between 1s and 300s"
        ),
        (
            ["containerLogMonitorInterval": "1s"],
            "invalid configuration: containerLogMonitorInterval must be a positive time duration greater than or equal to 3s"
        ),
        (["podLogsDir": "logs"], "invalid configuration: pod logs path \"logs\" must be absolute path"),
        (
            ["imageMaximumGCAge": "1m"],
            "invalid configuration: imageMaximumGCAge 1m0s must be greater than imageMinimumGCAge 2m0s"
        ),
        (
            ["cpuManagerPolicyOptions": ["full-pcpus-only": "true"]],
            "cpuManagerPolicyOptions: {\"full-pcpus-only\":\"true\"} is not {}, all there is here: the kubelet does it in no other way"
        ),
        (["failSwapOn": true], "failSwapOn: true is not false, all there is here: swap is none of the kubelet's business"),
        (["cpuManagerPolicy": "dynamic"], "cpuManagerPolicy: \"dynamic\" is not one of none, static"),
        (["memoryManagerPolicy": "static"], "memoryManagerPolicy: \"static\" is not one of None, Static"),
        (["reservedSystemCPUs": "0-"], "reservedSystemCPUs: \"0-\" is not a list of CPUs, as in 0-1,4"),
        (
            ["shutdownGracePeriodByPodPriority": [["priority": 1]]],
            "shutdownGracePeriodByPodPriority: {\"priority\":1} is not a priority and its shutdownGracePeriodSeconds"
        ),
        (
            ["imagePullCredentialsVerificationPolicy": "Sometimes"],
            "imagePullCredentialsVerificationPolicy: \"Sometimes\" is not one of NeverVerify, NeverVerifyPreloadedImages, NeverVerifyAllowlistedImages, AlwaysVerify"
        ),
        (
            ["preloadedImagesVerificationAllowlist": ["web"]],
            "invalid configuration: can't set `preloadedImagesVerificationAllowlist` if `imagePullCredentialsVertificationPolicy` is not \"NeverVerifyAllowlistedImages\""
        ),
        (["maxPods": 0], "maxPods: 0 is not a number from 1 to 2147483647"),
        (["maxPods": "many"], "maxPods: \"many\" is not a number from 1 to 2147483647"),
        (["imageMinimumGCAge": "soon"], "imageMinimumGCAge: \"soon\" is not a duration, as in 2m30s"),
        (["evictionHard": ["disk": "1"]], "unsupported eviction signal disk"),
        (["systemReserved": ["pods": "1"]], "systemReserved: cannot reserve pods"),
        (["systemReserved": ["cpu": "-1"]], "systemReserved: \"-1\" is not an amount of cpu"),
        (
            ["registerWithTaints": [["key": "a", "effect": "Never"]]],
            "registerWithTaints: {\"key\":\"a\",\"effect\":\"Never\"} is not a taint"
        ),
        (
            ["imageGCHighThresholdPercent": 50],
            "invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) 80 must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) 50"
        ),
        (["kind": "Pod"], "this is no KubeletConfiguration of kubelet.config.k8s.io/v1beta1"),
    ]

    @Test(arguments: wrong) func whatDoesNotDoIsRefusedByName(_ fields: Value, _ problem: String) {
        #expect(throws: ConfigurationFile.Problem(description: problem)) { try Self.read(fields) }
    }

    @Test(
        arguments: [
            ("0", 0), ("1h5m", 3900), ("2m0s", 120), ("300ms", 0), ("1.5h", 5400), ("-1s", -1), ("1", nil), ("s", nil), ("", nil),
            ("1d", nil),
            ("9e9h", nil),
        ] as [(String, Whole?)]) func durationsAreGos(_ text: String, _ seconds: Whole?)
    { #expect(GoDuration.seconds(text) == seconds) }

    /// Beginnings of names count where they end in a star.
    @Test func sysctlsThatAreAllowedPass() {
        func refusal(_ allowed: [String]) -> PodAdmission.Refusal? {
            PodAdmission(hasAppArmor: false, features: RuntimeFeatures(), allowedSysctls: allowed).refusal(
                of: pod(["securityContext": ["sysctls": [["name": "kernel.msgmax", "value": "1"]]]]))
        }
        #expect(refusal(["kernel.msg*"]) == nil && refusal(["kernel/msgmax"]) == nil)
        #expect(refusal(["kernel.msg"]) != nil && refusal(["net.*"]) != nil)
    }

    /// What is set aside and what is kept free is not for pods.
    @Test func whatIsReservedIsNotAllocatable() throws {
        let machine = Machine(rootDirectory: "/tmp", kubeletVersion: "v1.36.0")
        let all = machine.allocatable(try Self.read(["evictionHard": ["memory.available": "0%"]]))
        #expect(all["cpu"] == machine.cpus * 1000 && all["memory"] == machine.memory * 1000)
        let rest = machine.allocatable(
            try Self.read([
                "systemReserved": ["cpu": "100m", "memory": "1Mi"], "kubeReserved": ["cpu": "200m"],
                "evictionHard": ["memory.available": "10Mi"],
            ]))
        #expect(rest["cpu"] == machine.cpus * 1000 - 300 && rest["memory"] == (machine.memory - (11 << 20)) * 1000)
    }
}
