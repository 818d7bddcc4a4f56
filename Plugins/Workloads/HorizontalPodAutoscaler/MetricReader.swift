internal import APIModel
internal import PluginKit

/// What an HorizontalPodAutoscaler's metrics say: read from the metrics APIs, and made a number of Pods.
struct MetricReader {
    /// The outcome of one metric.
    struct Proposal {
        var replicas: Whole
        /// `cpu resource utilization (percentage of request)`
        var name: String
        /// An element of `status.currentMetrics`.
        var status: Value
    }

    /// A metric that says nothing, with the condition's reason.
    struct Failure: Error {
        var reason: String
        var message: String
        /// What of the specification it is about.
        var subject: String
    }

    let objects: Objects
    let kinds: HostKinds
    let autoscaler: Value
    let scale: Value
    let pods: [Value]
    /// A label selector of the Pods.
    let selector: String
    /// Seconds since 1970.
    let now: Whole

    private var namespace: String { autoscaler["metadata"]["namespace"].string ?? "" }
    private var current: Whole { scale["spec"]["replicas"].int ?? 0 }

    private var counter: ReplicaCount {
        func tolerance(_ direction: String) -> Double? {
            autoscaler["spec"]["behavior"][direction]["tolerance"].string.flatMap { try? Quantity($0) }?.approximateDouble
        }
        let tolerance = ReplicaCount.Tolerance(down: tolerance("scaleDown") ?? 0.1, up: tolerance("scaleUp") ?? 0.1)
        return ReplicaCount(current: current, pods: pods, now: now, tolerance: tolerance)
    }

    func proposal(for metric: Value) throws(Failure) -> Proposal {
        switch metric["type"].string {
        case "Resource":
            let source = metric["resource"]
            return try failing("FailedGetResourceMetric", "\(source["name"].string ?? "") resource metric value") {
                try resource(source, "Resource", "resource", container: nil)
            }
        case "ContainerResource":
            let source = metric["containerResource"]
            return try failing("FailedGetContainerResourceMetric", "\(source["container"].string ?? "") container metric value") {
                try resource(source, "ContainerResource", "containerResource", container: source["container"].string)
            }
        case "Pods": return try failing("FailedGetPodsMetric", "pods metric value") { try podMetric(metric["pods"]) }
        case "Object":
            let source = metric["object"]
            let subject = "object metric value" + (Self.isAverage(source) ? ": failed to get \(Self.name(source)) object metric" : "")
            return try failing("FailedGetObjectMetric", subject) { try objectMetric(source) }
        case "External":
            let source = metric["external"]
            let name = Self.name(source)
            let what = Self.isAverage(source) ? "\(name) external metric" : "external metric \(name)"
            return try failing("FailedGetExternalMetric", "\(name) external metric value: failed to get \(what)") {
                try externalMetric(source)
            }
        case let other:
            let message = "unknown metric source type \(FieldError.quoted(other ?? ""))"
            throw Failure(reason: "InvalidMetricSourceType", message: message, subject: "")
        }
    }

    private func failing(_ reason: String, _ subject: String, _ body: () throws -> Proposal) throws(Failure) -> Proposal {
        do { return try body() } catch { throw Failure(reason: reason, message: "\(error)", subject: subject) }
    }

    // MARK: Resources

    private func resource(_ source: Value, _ type: String, _ field: String, container: String?) throws -> Proposal {
        let (name, target) = (source["name"].string ?? "", source["target"])
        var status: Value = ["type": .string(type)]
        status[field] = ["name": source["name"], "container": source["container"]]
        if let average = Self.milli(target["averageValue"]) {
            let metrics = try explaining("failed to get \(name) usage") { try usage(of: name, container) }
            let (replicas, value) = try explaining("failed to get \(name) usage") {
                try counter.byAverage(metrics, resource: name, target: average)
            }
            status[field]["current"] = ["averageValue": Self.amount(value, name)]
            return Proposal(replicas: replicas, name: "\(name) resource", status: status)
        }
        guard let percent = target["averageUtilization"].int else {
            throw ReplicaCount.Problem(
                "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set")
        }
        let result = try explaining("failed to get \(name) utilization") {
            try counter.byUtilization(try usage(of: name, container), resource: name, container: container, target: percent)
        }
        status[field]["current"] = ["averageUtilization": .int(result.utilization), "averageValue": Self.amount(result.average, name)]
        let kind = container == nil ? "resource" : "container resource"
        return Proposal(replicas: result.replicas, name: "\(name) \(kind) utilization (percentage of request)", status: status)
    }

    private func explaining<T>(_ words: String, _ body: () throws -> T) throws -> T {
        do { return try body() } catch { throw ReplicaCount.Problem("\(words): \(error)") }
    }

    private func usage(of resource: String, _ container: String?) throws -> [String: PodMetric] {
        let kind = GroupVersionResource(group: "metrics.k8s.io", version: "v1beta1", resource: "pods")
        let words = "unable to get metrics for resource \(resource)"
        let found = try explaining("\(words): unable to fetch metrics from resource metrics API") {
            try objects.list(kind, namespace: namespace, selector: selector)
        }
        guard !found.isEmpty else { throw ReplicaCount.Problem("\(words): no metrics returned from resource metrics API") }
        var metrics: [String: PodMetric] = [:]
        for pod in found {
            let containers = pod["containers"].elements.filter { container == nil || $0["name"].string == container }
            let amounts = containers.compactMap { Self.milli($0["usage"][resource]) }
            guard !containers.isEmpty, amounts.count == containers.count else { continue }
            let time = pod["timestamp"].time ?? now
            let window = pod["window"].string.flatMap(GoDuration.seconds) ?? 0
            metrics[pod["metadata"]["name"].string ?? ""] = PodMetric(value: amounts.reduce(.zero, +), time: time, window: window)
        }
        return metrics
    }

    private static func milli(_ value: Value) -> Whole? {
        (value.string ?? value.int.map { "\($0)" }).flatMap { try? Quantity($0) }?.milliValue
    }

    private static func amount(_ milli: Whole, _ resource: String = "") -> Value {
        resource == "memory"
            ? .string(Quantity(value: (milli / 1000).int64, format: .binarySI).description)
            : .string(Quantity(milliValue: milli.int64).description)
    }

    // MARK: Others' metrics

    private static func name(_ source: Value) -> String { source["metric"]["name"].string ?? "" }

    /// Whether the target is an average of each Pod.
    private static func isAverage(_ source: Value) -> Bool {
        source["target"]["value"].isNull && !source["target"]["averageValue"].isNull
    }

    /// What a custom metric is of. The host asks for an object by its name alone, so that a series cannot be chosen by labels.
    private static func custom(_ source: Value) throws -> String {
        guard source["metric"]["selector"].isEmpty else {
            throw ReplicaCount.Problem("unable to get metric \(name(source)): selectors of custom metrics are not supported")
        }
        return name(source)
    }

    private static func custom(_ resource: String) -> GroupVersionResource {
        GroupVersionResource(group: "custom.metrics.k8s.io", version: "v1beta2", resource: resource)
    }

    private func podMetric(_ source: Value) throws -> Proposal {
        let name = try Self.custom(source)
        let list = try explaining("unable to get metric \(name): unable to fetch metrics from custom metrics API") {
            try objects.get(Self.custom("pods"), namespace: namespace, name: "*", subresource: name) ?? .null
        }
        let own = Set(pods.compactMap { $0["metadata"]["name"].string })
        var metrics: [String: PodMetric] = [:]
        for item in list["items"].elements {
            guard let pod = item["describedObject"]["name"].string, own.contains(pod), let value = Self.milli(item["value"]) else {
                continue
            }
            metrics[pod] = PodMetric(value: value)
        }
        guard !metrics.isEmpty else {
            throw ReplicaCount.Problem("unable to get metric \(name): no metrics returned from custom metrics API")
        }
        let target = Self.milli(source["target"]["averageValue"]) ?? 0
        let (replicas, average) = try counter.byAverage(metrics, resource: "", target: target)
        let status: Value = ["type": "Pods", "pods": ["metric": source["metric"], "current": ["averageValue": Self.amount(average)]]]
        return Proposal(replicas: replicas, name: "pods metric \(name)", status: status)
    }

    private func objectMetric(_ source: Value) throws -> Proposal {
        let (name, object) = (try Self.custom(source), source["describedObject"])
        let (kind, subject) = (object["kind"].string ?? "", object["name"].string ?? "")
        let words = "unable to get metric \(name): \(kind) on \(namespace) \(subject)/unable to fetch metrics from custom metrics API"
        guard let version = GroupVersion(object["apiVersion"].string ?? ""),
            let resource = try kinds.current.preferred(group: version.group, kind: kind)?.resource
        else { throw ReplicaCount.Problem("\(words): no kind \(kind) is registered") }
        let plural = resource.group.isEmpty ? resource.resource : "\(resource.resource).\(resource.group)"
        let list = try explaining(words) {
            // Of the namespace itself whatever name is given: an autoscaler looks into no other.
            try plural == "namespaces"
                ? objects.get(Self.custom("metrics"), namespace: namespace, name: name) ?? .null
                : objects.get(Self.custom(plural), namespace: namespace, name: subject, subresource: name) ?? .null
        }
        guard let usage = Self.milli(list["items"][0]["value"]) else {
            throw ReplicaCount.Problem("\(words): no metrics returned from custom metrics API")
        }
        let (replicas, shown) = try whole(usage, source["target"], "object")
        let status: Value = ["type": "Object", "object": ["metric": source["metric"], "describedObject": object, "current": shown]]
        let told =
            Self.isAverage(source) ? "external metric \(name)(\(GoText.selector(source["metric"]["selector"])))" : "\(kind) metric \(name)"
        return Proposal(replicas: replicas, name: told, status: status)
    }

    private func externalMetric(_ source: Value) throws -> Proposal {
        let name = source["metric"]["name"].string ?? ""
        let selector = source["metric"]["selector"]
        let chosen = selector.isNull ? "" : try LabelSelector(selector).description
        let kind = GroupVersionResource(group: "external.metrics.k8s.io", version: "v1beta1", resource: name)
        let shownSelector = GoText.selector(selector)
        let words = "unable to get external metric \(namespace)/\(name)/\(shownSelector)"
        let items = try explaining("\(words): unable to fetch metrics from external metrics API") {
            try objects.list(kind, namespace: namespace, selector: chosen)
        }
        guard !items.isEmpty else { throw ReplicaCount.Problem("\(words): no metrics returned from external metrics API") }
        let usage = items.compactMap { Self.milli($0["value"]) }.reduce(Whole.zero, +)
        let (replicas, shown) = try whole(usage, source["target"], "external")
        let status: Value = ["type": "External", "external": ["metric": source["metric"], "current": shown]]
        return Proposal(replicas: replicas, name: "external metric \(name)(\(shownSelector))", status: status)
    }

    /// From one number of all Pods together, towards a value of it, or an average of each.
    private func whole(_ usage: Whole, _ target: Value, _ kind: String) throws -> (replicas: Whole, current: Value) {
        if let value = Self.milli(target["value"]) {
            return (try counter.byRatio(Double(usage) / Double(value)), ["value": Self.amount(usage)])
        }
        guard let average = Self.milli(target["averageValue"]) else {
            throw ReplicaCount.Problem("invalid \(kind) metric source: neither a value target nor an average value target was set")
        }
        let (replicas, shown) = counter.byShare(usage, of: scale["status"]["replicas"].int ?? 0, target: average)
        return (replicas, ["averageValue": Self.amount(shown)])
    }
}
