import APIModel

/// Makes CRI's `PodSandboxConfig` of a pod. Upstream: `generatePodSandboxConfig`.
enum SandboxConfig {
    /// The host name and the domain after it, which is empty unless the pod has a subdomain.
    static func hostname(of pod: Pod, clusterDomain: String) -> (name: String, domain: String) {
        if let override = pod.spec["hostnameOverride"].string, !override.isEmpty { return (override, "") }
        var name = pod.spec["hostname"].string ?? ""
        if name.isEmpty { name = pod.name }
        if name.count > 63 {
            name = String(name.prefix(63))
            while let last = name.last, last == "-" || last == "." { name.removeLast() }
        }
        guard let subdomain = pod.spec["subdomain"].string, !subdomain.isEmpty else { return (name, "") }
        return (name, "\(subdomain).\(pod.namespace).svc.\(clusterDomain)")
    }

    /// The name that the kernel is to know the pod by. Throws `ConfigurationError` for one that is longer than the kernel's may be.
    private static func kernelHostname(of pod: Pod, _ hostname: String, _ domain: String) throws(ConfigurationError) -> String {
        guard pod.spec["setHostnameAsFQDN"].bool == true, !domain.isEmpty else { return hostname }
        let full = "\(hostname).\(domain)"
        guard full.utf8.count > 64 else { return full }
        throw ConfigurationError(
            message:
                "failed to construct FQDN from pod hostname and cluster domain, FQDN \(full) is too long (64 characters is the max, \(full.utf8.count) characters requested)"
        )
    }

    /// Throws `ConfigurationError`.
    static func make(
        for pod: Pod, attempt: Whole, dns: ResolvConf, configuration: KubeletConfiguration, seen: String
    ) throws(ConfigurationError) -> Value {
        let (hostname, domain) = hostname(of: pod, clusterDomain: configuration.clusterDomain)
        var labels = pod.labels
        labels[Label.podName] = pod.name
        labels[Label.podNamespace] = pod.namespace
        labels[Label.podUID] = pod.uid
        var annotations = pod.annotations
        annotations[Annotation.configSource] = "api"
        annotations[Annotation.configSeen] = seen
        var config: Value = [
            "metadata": [
                "name": .string(pod.name), "uid": .string(pod.uid), "namespace": .string(pod.namespace), "attempt": .int(attempt),
            ],
            "log_directory": .string(configuration.logDirectory(for: pod)),
            "dns_config": dns.message,
            "labels": Value(labels),
            "annotations": Value(annotations),
            "linux": [
                "cgroup_parent": .string(PodCgroup.path(of: pod, below: configuration.cgroupRoot)),
                "security_context": SecurityContext.sandbox(pod, profileRoot: configuration.rootDirectory + "/seccomp"),
                "sysctls": sysctls(of: pod),
            ],
        ]
        if !pod.usesHostNetwork {
            config["hostname"] = .string(try kernelHostname(of: pod, hostname, domain))
            let mappings = portMappings(of: pod)
            if !mappings.isEmpty { config["port_mappings"] = .array(mappings) }
        }
        return config
    }

    private static func sysctls(of pod: Pod) -> Value {
        let pairs = pod.spec[path: "securityContext", "sysctls"].elements.map {
            ($0.name.replacing("/", with: "."), $0["value"].string ?? "")
        }
        return pairs.isEmpty ? .null : Value(Dictionary(pairs, uniquingKeysWith: { $1 }))
    }

    private static let protocols: [String: Whole] = ["TCP": 0, "UDP": 1, "SCTP": 2]

    private static func portMappings(of pod: Pod) -> [Value] {
        pod.allContainers.flatMap { $0["ports"].elements }.filter { ($0["hostPort"].int ?? 0) > 0 }.map { port in
            [
                "protocol": .int(protocols[port["protocol"].string ?? "TCP"] ?? 0), "container_port": port["containerPort"],
                "host_port": port["hostPort"],
                "host_ip": port["hostIP"],
            ]
        }
    }
}
