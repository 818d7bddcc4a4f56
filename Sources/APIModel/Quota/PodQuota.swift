internal import OrderedCollections

/// Pods: how many there are, and what those that have not ended ask for and may use.
struct PodQuota: QuotaEvaluator {
    private static let count = "count/pods"
    private static let named: Set = [
        count, "pods", "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory", "requests.ephemeral-storage", "limits.cpu",
        "limits.memory", "limits.ephemeral-storage",
    ]
    /// What every container must name once a quota counts it.
    private static let required: Set = ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"]
    private static let implicit = "deviceclass.resource.kubernetes.io/"

    func counts(_ resource: String) -> Bool {
        if Self.named.contains(resource) || resource.hasPrefix("hugepages-") { return true }
        guard resource.hasPrefix("requests.") else { return false }
        let rest = String(resource.dropFirst("requests.".count))
        return rest.hasPrefix("hugepages-") || !ResourceNames.isNative(resource) || rest.hasPrefix(Self.implicit)
    }

    func usage(of pod: Value, now: Whole) -> ResourceList {
        let all = ResourceList([Self.count: .one])
        guard isAlive(pod, now: now) else { return all }
        let options: PodTotals.Options = [.status, .overhead]
        return all + Self.usage(requests: PodTotals.requests(of: pod, options), limits: PodTotals.limits(of: pod, options))
    }

    private static func usage(requests: ResourceList, limits: ResourceList) -> ResourceList {
        var usage = ResourceList(["pods": .one])
        for (name, amount) in requests.amounts {
            let isHugePages = name.hasPrefix("hugepages-")
            if ResourceNames.containers.contains(name) || isHugePages { usage[name] = amount }
            if usage[name] != nil || !ResourceNames.isNative(name) || name.hasPrefix(implicit) { usage["requests.\(name)"] = amount }
        }
        for (name, amount) in limits.amounts where ResourceNames.containers.contains(name) { usage["limits.\(name)"] = amount }
        return usage
    }

    /// One that has ended, or should have been gone for longer than its grace period, uses nothing.
    private func isAlive(_ pod: Value, now: Whole) -> Bool {
        if let phase = pod["status"]["phase"].string, phase == "Failed" || phase == "Succeeded" { return false }
        let metadata = pod["metadata"]
        guard let at = metadata["deletionTimestamp"].string.flatMap({ Timestamp.parse($0) }),
            let grace = metadata["deletionGracePeriodSeconds"].int
        else { return true }
        return now <= at.seconds + grace
    }

    func missing(for resources: [String], _ pod: Value) -> String? {
        // A pod that says for itself what it needs has said enough.
        guard !ResourceList(pod["spec"]["resources"]["requests"]).names.contains(where: PodTotals.isOfPods),
            !ResourceList(pod["spec"]["resources"]["limits"]).names.contains(where: PodTotals.isOfPods)
        else { return nil }
        var containers: [String: Set<String>] = [:]
        for container in pod["spec"]["containers"].elements + pod["spec"]["initContainers"].elements {
            let named = Self.usage(
                requests: ResourceList(container["resources"]["requests"]), limits: ResourceList(container["resources"]["limits"]))
            for resource in resources where Self.required.contains(resource) && named[resource] == nil {
                containers[resource, default: []].insert(container["name"].string ?? "")
            }
        }
        guard !containers.isEmpty else { return nil }
        let each = containers.sorted { $0.key < $1.key }.map { "\($0.key) for: \($0.value.sorted().joined(separator: ","))" }
        return "must specify \(each.joined(separator: "; "))"
    }

    func mayUseMore(_ pod: Value, than old: Value, subresource: String) -> Bool {
        subresource == "resize" || (subresource.isEmpty && isTerminating(pod) != isTerminating(old))
    }

    func mayUseLess(_ pod: Value, than old: Value, now: Whole) -> Bool {
        isTerminating(pod) != isTerminating(old) || (isAlive(old, now: now) && !isAlive(pod, now: now))
            || PodTotals.requests(of: pod, .status) != PodTotals.requests(of: old, .status)
            || PodTotals.limits(of: pod, .status) != PodTotals.limits(of: old, .status)
    }

    // MARK: Scopes

    func matches(_ scope: QuotaScope, _ pod: Value) -> Bool {
        switch scope.name {
        case "Terminating": isTerminating(pod)
        case "NotTerminating": !isTerminating(pod)
        case "BestEffort": isBestEffort(pod)
        case "NotBestEffort": !isBestEffort(pod)
        case "PriorityClass": scope.accepts([pod["spec"]["priorityClassName"].string].compactMap { $0 }.filter { !$0.isEmpty })
        case "CrossNamespacePodAffinity": reachesOtherNamespaces(pod)
        default: false
        }
    }

    private func isTerminating(_ pod: Value) -> Bool { (pod["spec"]["activeDeadlineSeconds"].int ?? -1) >= 0 }

    private func isBestEffort(_ pod: Value) -> Bool {
        let holders = [pod["spec"]] + pod["spec"]["containers"].elements + pod["spec"]["initContainers"].elements
        return !holders.contains { holder in
            ["requests", "limits"].contains { list in
                ["cpu", "memory"].contains { ResourceList(holder["resources"][list])[$0]?.isZero == false }
            }
        }
    }

    private func reachesOtherNamespaces(_ pod: Value) -> Bool {
        ["podAffinity", "podAntiAffinity"].contains { kind in
            let affinity = pod["spec"]["affinity"][kind]
            let terms =
                affinity["requiredDuringSchedulingIgnoredDuringExecution"].elements
                + affinity["preferredDuringSchedulingIgnoredDuringExecution"].elements.map { $0["podAffinityTerm"] }
            return terms.contains { !$0["namespaces"].isEmpty || !$0["namespaceSelector"].isNull }
        }
    }
}
