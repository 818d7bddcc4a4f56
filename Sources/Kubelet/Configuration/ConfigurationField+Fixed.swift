import APIModel
import OrderedCollections

/// Settings of upstream's that this kubelet knows one value of: it does things one way, or flags say the same. The value is shown and
/// accepted, and every other refused with the reason.
extension ConfigurationField {
    private static let byFlags = "flags of the command say it"
    private static let inOneWay = "the kubelet does it in no other way"
    private static let notHeldBack = "nothing is held back here"
    private static let ofPackets = "the proxy and the pods' network see to packets"

    static let fixed: [ConfigurationField] = [
        only("enableServer", true, inOneWay), only("enableDebuggingHandlers", true, inOneWay), only("registerNode", true, inOneWay),
        only("runOnce", false, inOneWay), only("cgroupsPerQOS", true, inOneWay), only("cpuCFSQuota", true, inOneWay),
        only("cpuCFSQuotaPeriod", "100ms", inOneWay), only("enableControllerAttachDetach", true, inOneWay),
        only("configMapAndSecretChangeDetectionStrategy", "Watch", inOneWay), only("localStorageCapacityIsolation", true, inOneWay),
        only("enforceNodeAllocatable", ["pods"], inOneWay), only("cgroupDriver", "cgroupfs", inOneWay), only("cgroupRoot", "", inOneWay),
        only("kubeletCgroups", "", inOneWay), only("systemCgroups", "", inOneWay), only("systemReservedCgroup", "", inOneWay),
        only("kubeReservedCgroup", "", inOneWay), only("syncFrequency", "1m0s", inOneWay), only("volumeStatsAggPeriod", "1m0s", inOneWay),
        only("runtimeRequestTimeout", "2m0s", inOneWay), only("containerLogMaxWorkers", 1, inOneWay),
        only("contentType", "application/vnd.kubernetes.protobuf", inOneWay), only("streamingConnectionIdleTimeout", "4h0m0s", inOneWay),
        only("fileCheckFrequency", "20s", "changes are heard of at once"),
        only("staticPodURL", "", "static pods come from files"), only("staticPodURLHeader", .emptyObject, "static pods come from files"),
        only("httpCheckFrequency", "20s", "static pods come from files"),
        only("readOnlyPort", 0, "who asks has to say who it is"),
        only(
            "authentication",
            [
                "anonymous": ["enabled": false], "webhook": ["enabled": true, "cacheTTL": "2m0s"], "x509": ["clientCAFile": ""],
            ], inOneWay + ", and flags say the rest"),
        only(
            "authorization", ["mode": "Webhook", "webhook": ["cacheAuthorizedTTL": "5m0s", "cacheUnauthorizedTTL": "30s"]], inOneWay),
        only("tlsCertFile", "", byFlags), only("tlsPrivateKeyFile", "", byFlags), only("tlsCipherSuites", .array([]), byFlags),
        only("tlsMinVersion", "", byFlags), only("tlsCurvePreferences", .array([]), inOneWay), only("healthzPort", 10_248, byFlags),
        only("healthzBindAddress", "127.0.0.1", byFlags), only("podCIDR", "", byFlags), only("containerRuntimeEndpoint", "", byFlags),
        only("imageServiceEndpoint", "", "the runtime's plugin has the images, too"),
        only("registryPullQPS", 5, or: [0], notHeldBack), only("registryBurst", 10, or: [0], notHeldBack),
        only("eventRecordQPS", 50, or: [0], "events are held back for each object alone"),
        only("eventBurst", 100, or: [0], "events are held back for each object alone"), only("kubeAPIQPS", 50, or: [-1, 0], notHeldBack),
        only("kubeAPIBurst", 100, or: [0], notHeldBack), only("serializeImagePulls", false, "images come at once"),
        only("maxParallelImagePulls", .null, "images come at once"),
        only("oomScoreAdj", -999, byFlags), only("maxOpenFiles", 1_000_000, inOneWay), only("podsPerCore", 0, inOneWay),
        only("protectKernelDefaults", false, "the machine's own settings stay"),
        only("kernelMemcgNotification", false, "the kernel is asked"), only("failSwapOn", false, "swap is none of the kubelet's business"),
        only("memorySwap", ["swapBehavior": ""], or: [["swapBehavior": "NoSwap"]], "containers have no swap"),
        only("failCgroupV1", false, "both versions do"), only("singleProcessOOMKill", .null, "the runtime decides"),
        only("memoryThrottlingFactor", .null, or: [0.9], "memory is limited and not throttled"),
        only("memoryReservationPolicy", "None", "memory is limited and not throttled"), only("qosReserved", .emptyObject, inOneWay),
        only("userNamespaces", .null, inOneWay), only("cpuManagerPolicyOptions", .emptyObject, inOneWay),
        only("topologyManagerPolicyOptions", .emptyObject, inOneWay), only("featureGates", .emptyObject, "there are none"),
        only("hairpinMode", "hairpin-veth", or: ["promiscuous-bridge"], ofPackets), only("makeIPTablesUtilChains", false, ofPackets),
        only("iptablesMasqueradeBit", 14, ofPackets), only("iptablesDropBit", 15, ofPackets),
        only("volumePluginDir", "", "FlexVolume is not spoken here"),
        only("enableContentionProfiling", false, "there is nothing to profile by"),
        only("enableProfilingHandler", false, "there is nothing to profile by"),
        only("enableDebugFlagsHandler", false, byFlags), only("showHiddenMetricsForVersion", "", "there are none"),
        only("enableSystemLogHandler", false, "logs of the node are read on the node"),
        only("enableSystemLogQuery", false, "logs of the node are read on the node"), only("tracing", .null, inOneWay),
        only(
            "logging",
            [
                "format": "text", "flushFrequency": 0, "verbosity": 0,
                "options": ["text": ["infoBufferSize": "0"], "json": ["infoBufferSize": "0"]],
            ], byFlags),
    ]

    /// - Parameter others: what means the same, or is upstream's word for it.
    private static func only(_ name: String, _ only: Value, or others: [Value] = [], _ reason: String) -> ConfigurationField {
        ConfigurationField(
            name: name,
            read: { value, _ throws(Problem) in
                guard !([only] + others).contains(where: { says(value, $0) }) else { return }
                let text = only.isNull ? "left out" : String(decoding: JSON.encode(only), as: UTF8.self)
                throw Problem(
                    description: "\(String(decoding: JSON.encode(value), as: UTF8.self)) is not \(text), all there is here: \(reason)")
            }, write: { _ in only })
    }

    /// Whether `value` says nothing else: what it leaves out, or empty, as files of other tools do, stands for what there is.
    private static func says(_ value: Value, _ only: Value) -> Bool {
        if value.isNull || value == only || value == "0s" && only.string != nil { return true }
        guard case .object = only else {
            return (value.string ?? "-").isEmpty || only.isNull && value.isEmpty && value.int == nil && value.bool == nil
        }
        return value.fields.allSatisfy { name, part in only.fields[name].map { says(part, $0) } ?? false }
    }
}
