import APIModel

/// Makes the Node of this machine. Upstream: `kubelet_node_status.go`, `nodestatus/setters.go`.
struct NodeObject {
    let configuration: KubeletConfiguration
    let machine: Machine
    /// Seconds since 1970.
    let now: Whole
    /// `containerd://1.6.20`
    var runtime: String
    var features = RuntimeFeatures()
    /// Volumes that drivers have on this node, sorted; `nil` when that is not known yet.
    var volumesInUse: [String]?
    var devices = DeviceBook.Figures()

    /// What an API server or a scheduler has to know of this kubelet before it lets pods use it. Upstream: `nodedeclaredfeatures`.
    private static let declaredFeatures = [
        "InPlacePodLevelResourcesVerticalScaling", "InPlacePodVerticalScalingInitContainers", "RestartAllContainersOnContainerExits",
    ]

    /// What the kubelet reports of the machine's health.
    struct Health: Equatable, Sendable {
        /// Why the node cannot run pods, empty when it can.
        var notReady = ""
        /// What the node is short of: types of conditions.
        var pressures: Set<String> = []
    }

    /// The labels every node has, and those it was given.
    var labels: [String: String] {
        [
            NodeLabel.hostname: configuration.nodeName,
            NodeLabel.system: "linux", NodeLabel.olderSystem: "linux",
            NodeLabel.architecture: Machine.architecture, NodeLabel.olderArchitecture: Machine.architecture,
        ].merging(configuration.labels) { $1 }
    }

    /// The Node to register.
    func registration(_ status: Value) -> Value {
        let taints = configuration.taints.compactMap(Self.taint)
        return [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(configuration.nodeName), "labels": Value(labels),
                "annotations": ["volumes.kubernetes.io/controller-managed-attach-detach": "true"],
            ],
            "spec": [
                "providerID": configuration.providerID.isEmpty ? .null : .string(configuration.providerID),
                "podCIDR": Value(configuration.podCIDRs.first),
                "podCIDRs": configuration.podCIDRs.isEmpty ? .null : Value(configuration.podCIDRs),
                "taints": taints.isEmpty ? .null : .array(taints),
            ],
            "status": status,
        ]
    }

    /// `key=value:Effect` or `key:Effect`
    static func taint(_ text: String) -> Value? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let parts = text[..<colon].split(separator: "=", maxSplits: 1).map(String.init)
        guard let key = parts.first else { return nil }
        return [
            "key": .string(key), "value": parts.count > 1 ? .string(parts[1]) : .null,
            "effect": .string(String(text[text.index(after: colon)...])),
        ]
    }

    /// The status to report, with the transition times of `previous` where nothing changed.
    func status(_ health: Health, images: [Value], previous: Value) -> Value {
        let allocatable = machine.allocatable(configuration)
        var allocatableText = machine.capacity(maxPods: configuration.maxPods)
        for (name, milli) in allocatable {
            allocatableText[name] =
                switch name {
                case "cpu": milli % 1000 == 0 ? String(milli / 1000) : "\(milli)m"
                case "memory": "\(milli / 1000 / 1024)Ki"
                default: name.hasPrefix("hugepages-") ? allocatableText[name] ?? "0" : String(milli / 1000)
                }
        }
        var capacityText = machine.capacity(maxPods: configuration.maxPods)
        // What is left out stays as it is, so that what is gone is told as nothing.
        for name in devices.removed { (capacityText[name], allocatableText[name]) = ("0", "0") }
        capacityText.merge(devices.capacity.mapValues { String($0) }) { $1 }
        allocatableText.merge(devices.allocatable.mapValues { String($0) }) { $1 }
        let isInUse = !(volumesInUse ?? []).isEmpty || !previous["volumesInUse"].elements.isEmpty
        var info = machine.info
        info["containerRuntimeVersion"] = .string(runtime)
        return [
            "capacity": Value(capacityText), "allocatable": Value(allocatableText),
            "conditions": .array(conditions(health, previous)),
            "addresses": .array(
                configuration.nodeAddresses.map { ["type": "InternalIP", "address": .string($0)] } + [
                    ["type": "Hostname", "address": .string(configuration.nodeName)]
                ]),
            "daemonEndpoints": ["kubeletEndpoint": ["Port": .int(Whole(configuration.serverPort))]], "nodeInfo": info,
            "images": images.isEmpty ? .null : .array(images), "runtimeHandlers": features.runtimeHandlers,
            "features": ["supplementalGroupsPolicy": .bool(features.groupsPolicy)], "declaredFeatures": Value(Self.declaredFeatures),
            "volumesInUse": volumesInUse.map { isInUse ? Value($0) : .null } ?? .null,
        ]
    }

    private func conditions(_ health: Health, _ previous: Value) -> [Value] {
        [
            condition(
                "MemoryPressure", health.pressures.contains("MemoryPressure"),
                ("KubeletHasInsufficientMemory", "kubelet has insufficient memory available"),
                ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"), previous),
            condition(
                "DiskPressure", health.pressures.contains("DiskPressure"), ("KubeletHasDiskPressure", "kubelet has disk pressure"),
                ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"), previous
            ),
            condition(
                "PIDPressure", health.pressures.contains("PIDPressure"),
                ("KubeletHasInsufficientPID", "kubelet has insufficient PID available"),
                ("KubeletHasSufficientPID", "kubelet has sufficient PID available"), previous),
            condition(
                "Ready", health.notReady.isEmpty, ("KubeletReady", "kubelet is posting ready status"), ("KubeletNotReady", health.notReady),
                previous),
        ]
    }

    private func condition(_ type: String, _ status: Bool, _ whenTrue: (String, String), _ whenFalse: (String, String), _ previous: Value)
        -> Value
    {
        let text = status ? "True" : "False"
        let (reason, message) = status ? whenTrue : whenFalse
        let old = previous["conditions"].elements.first { $0["type"].string == type } ?? .null
        let time = Value.string(Timestamp.format(seconds: now))
        return [
            "type": .string(type), "status": .string(text), "lastHeartbeatTime": time,
            "lastTransitionTime": old["status"].string == text && !old["lastTransitionTime"].isNull ? old["lastTransitionTime"] : time,
            "reason": .string(reason),
            "message": .string(message),
        ]
    }

    /// The biggest images by name, as the scheduler wants to know them.
    /// - Parameter count: -1 for all.
    static func images(_ images: [Value], atMost count: Int) -> [Value] {
        let all = images.map { image -> (Whole, Value) in
            let names = Array((image["repo_digests"].elements + image["repo_tags"].elements).prefix(5))
            return (image["size"].int ?? 0, ["names": .array(names), "sizeBytes": .int(image["size"].int ?? 0)])
        }.filter { !$0.1["names"].isEmpty }.sorted { $0.0 > $1.0 }.map(\.1)
        return count < 0 ? all : Array(all.prefix(count))
    }

    /// As a strategic merge patch has it: addresses are merged by their type otherwise, and of two internal ones one is left.
    static func patch(_ status: Value) -> Value {
        var status = status
        status["addresses"] = .array(status["addresses"].elements + [["$patch": "replace"]])
        return status
    }

    /// Whether `b` tells all that `a` does, heartbeats aside. Resources that somebody else gave the node are not this kubelet's to tell.
    static func isSame(_ a: Value, _ b: Value) -> Bool {
        [
            "addresses", "daemonEndpoints", "nodeInfo", "images", "runtimeHandlers", "features",
            "declaredFeatures",
        ]
        .allSatisfy { a[$0] == b[$0] }
            && ["capacity", "allocatable"].allSatisfy { list in
                a[list].strings.allSatisfy { b[list][$0.key].string == $0.value }
            }
            && (a["volumesInUse"].isNull || a["volumesInUse"].elements == b["volumesInUse"].elements)
            && a["conditions"].elements.allSatisfy { condition in
                let other = b["conditions"].elements.first { $0["type"] == condition["type"] } ?? .null
                return ["status", "reason", "message"].allSatisfy { condition[$0] == other[$0] }
            }
    }
}
