internal import OrderedCollections

extension DefaultRules {
    static let core: [String: Rule] = [
        "core.v1.Pod": { pod in
            if pod["spec"]["enableServiceLinks"].isNull { pod["spec"]["enableServiceLinks"] = true }
            for list in ["containers", "initContainers"] where !pod["spec"][list].isNull {
                pod["spec"][list].elements = pod["spec"][list].elements.map(requestsFromLimits)
            }
            if !pod["spec"]["resources"].isEmpty { pod["spec"] = requestsFromLimits(requestsFromContainers(pod["spec"])) }
        },
        "core.v1.Secret": { secret in
            guard !secret["stringData"].isNull else { return }
            // Only for writing: from here on it is data, whoever owns it.
            for (name, text) in secret["stringData"].fields {
                secret["data"][name] = .string(Base64.encode(Array((text.string ?? "").utf8)))
            }
            secret["stringData"] = .null
        },
        "core.v1.PodSpec": { spec in
            // The deprecated name of the field is kept equal to the new one.
            if spec["serviceAccountName"].isEmpty, !spec["serviceAccount"].isEmpty { spec["serviceAccountName"] = spec["serviceAccount"] }
            if !spec["serviceAccountName"].isEmpty { spec["serviceAccount"] = spec["serviceAccountName"] }
            // Less than no time is as little time as there is.
            if let grace = spec["terminationGracePeriodSeconds"].int, grace < 0 { spec["terminationGracePeriodSeconds"] = 1 }
            guard spec["hostNetwork"].bool == true else { return }
            for list in ["containers", "initContainers"] where !spec[list].isNull {
                spec[list].elements = spec[list].elements.map(hostPorts)
            }
        },
        "core.v1.Container": imagePullPolicy,
        "core.v1.EphemeralContainer": imagePullPolicy,
        "core.v1.ImageVolumeSource": { source in
            if source["pullPolicy"].isEmpty, let image = source["reference"].string { source["pullPolicy"] = .string(pullPolicy(image)) }
        },
        "core.v1.Volume": { volume in
            if volume.fields.keys.allSatisfy({ $0 == "name" }) { volume["emptyDir"] = .emptyObject }
        },
        "core.v1.ServiceSpec": { spec in
            let type = spec["type"].string
            if spec["sessionAffinity"].string == "None" { spec["sessionAffinityConfig"] = .null }
            if spec["sessionAffinity"].string == "ClientIP", spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].isNull {
                spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] = 10800
            }
            if ServiceTraffic.comesFromOutside(spec), spec["externalTrafficPolicy"].isEmpty { spec["externalTrafficPolicy"] = "Cluster" }
            if ["NodePort", "LoadBalancer", "ClusterIP"].contains(type), spec["internalTrafficPolicy"].isEmpty {
                spec["internalTrafficPolicy"] = "Cluster"
            }
            if type == "LoadBalancer", spec["allocateLoadBalancerNodePorts"].isNull { spec["allocateLoadBalancerNodePorts"] = true }
        },
        "core.v1.PersistentVolumeClaim": { claim in
            // Two fields for one thing; what only the newer can say does not go into the older, and is not kept there.
            if !claim["spec"]["dataSource"].isNull, !isOldSource(claim["spec"]["dataSource"]) { claim["spec"]["dataSource"] = .null }
            let (old, new) = (claim["spec"]["dataSource"], claim["spec"]["dataSourceRef"])
            if new.isNull, !old.isNull { claim["spec"]["dataSourceRef"] = old }
            if old.isNull, !new.isNull, new["namespace"].isEmpty { claim["spec"]["dataSource"] = new }
        },
        "core.v1.ServicePort": { port in
            if port["targetPort"].isEmpty { port["targetPort"] = port["port"] }
        },
        "core.v1.LoadBalancerIngress": { ingress in
            if !ingress["ip"].isEmpty, ingress["ipMode"].isEmpty { ingress["ipMode"] = "VIP" }
        },
        "core.v1.Namespace": { namespace in
            guard let name = namespace["metadata"]["name"].string, !name.isEmpty else { return }
            namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = .string(name)
        },
        "core.v1.PodStatus": { status in
            // Who knows one alone means the list.
            if !status["podIP"].isEmpty, status["podIP"] != status["podIPs"][0]["ip"] { status["podIPs"] = [["ip": status["podIP"]]] }
            if !status["podIPs"].isEmpty { status["podIP"] = status["podIPs"][0]["ip"] }
        },
        "core.v1.NodeSpec": { spec in
            // Who knows one alone means the list.
            if !spec["podCIDR"].isEmpty, spec["podCIDR"] != spec["podCIDRs"][0] { spec["podCIDRs"] = [spec["podCIDR"]] }
            if !spec["podCIDRs"].isEmpty { spec["podCIDR"] = spec["podCIDRs"][0] }
        },
        "core.v1.NodeStatus": { status in
            if status["allocatable"].isNull, !status["capacity"].isEmpty { status["allocatable"] = status["capacity"] }
        },
        "core.v1.LimitRangeItem": { item in
            guard item["type"].string == "Container" else { return }
            for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
                for (name, quantity) in item[source].fields where item[target][name].isNull { item[target][name] = quantity }
            }
        },
    ]

    private static func isOldSource(_ source: Value) -> Bool {
        switch (source["apiGroup"].string ?? "", source["kind"].string) {
        case ("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"): true
        default: false
        }
    }

    /// What the containers ask for of CPU and memory, the pod as a whole asks for, too, unless it says otherwise.
    private static func requestsFromContainers(_ spec: Value) -> Value {
        var spec = spec
        let asked = PodTotals(spec: spec).ofContainers("requests")
        for name in ["cpu", "memory"] where spec["resources"]["requests"][name].isNull {
            if let quantity = asked[name] { spec["resources"]["requests"][name] = .string("\(quantity)") }
        }
        return spec
    }

    private static func requestsFromLimits(_ holder: Value) -> Value {
        var holder = holder
        for (name, limit) in holder["resources"]["limits"].fields where holder["resources"]["requests"][name].isNull {
            holder["resources"]["requests"][name] = limit
        }
        return holder
    }

    private static func hostPorts(_ container: Value) -> Value {
        guard !container["ports"].isNull else { return container }
        var container = container
        container["ports"].elements = container["ports"].elements.map { port in
            var port = port
            if port["hostPort"].isEmpty { port["hostPort"] = port["containerPort"] }
            return port
        }
        return container
    }

    private static let imagePullPolicy: Rule = { container in
        if container["imagePullPolicy"].isEmpty { container["imagePullPolicy"] = .string(pullPolicy(container["image"].string ?? "")) }
    }

    /// `Always` for an image whose tag is `latest`, or that has neither a tag nor a digest that pins it.
    private static func pullPolicy(_ image: String) -> String {
        if image.isEmpty { return "IfNotPresent" }
        let name = image.prefix { $0 != "@" }
        let last = name.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
        let given = last.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).dropFirst().first
        let tag = given ?? (name.count < image.count ? "" : "latest")
        return tag == "latest" ? "Always" : "IfNotPresent"
    }
}
