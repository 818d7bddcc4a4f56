import APIModel

/// `autoscaling/v1` over the stored `autoscaling/v2`. The CPU target of v1 is one of the metrics of v2; what v1 has no field for travels in
/// annotations, as upstream does it.
struct HorizontalPodAutoscalerConversion: Conversion {
    private static let metrics = "autoscaling.alpha.kubernetes.io/metrics"
    private static let currentMetrics = "autoscaling.alpha.kubernetes.io/current-metrics"
    private static let conditions = "autoscaling.alpha.kubernetes.io/conditions"
    private static let behavior = "autoscaling.alpha.kubernetes.io/behavior"

    func toStorage(_ object: Value) -> Value {
        var object = object
        var metrics: [Value] = []
        let target = object["spec"]["targetCPUUtilizationPercentage"]
        if let target = target.int { metrics.append(Self.cpu(target: ["type": "Utilization", "averageUtilization": .int(target)])) }
        if let carried = Self.take(Self.metrics, from: &object) { metrics += carried.elements }
        object["spec"]["targetCPUUtilizationPercentage"] = .null
        if !metrics.isEmpty { object["spec"]["metrics"] = .array(metrics) }
        if let carried = Self.take(Self.behavior, from: &object) { object["spec"]["behavior"] = carried }
        var current: [Value] = []
        if let value = object["status"]["currentCPUUtilizationPercentage"].int {
            current.append(["type": "Resource", "resource": ["name": "cpu", "current": ["averageUtilization": .int(value)]]])
        }
        if let carried = Self.take(Self.currentMetrics, from: &object) { current += carried.elements }
        if !object["status"].isNull {
            object["status"]["currentCPUUtilizationPercentage"] = .null
            if !current.isEmpty { object["status"]["currentMetrics"] = .array(current) }
            if let carried = Self.take(Self.conditions, from: &object) { object["status"]["conditions"] = carried }
        }
        return object
    }

    func fromStorage(_ object: Value, version: GroupVersion) -> Value {
        var object = object
        var others: [Value] = []
        for metric in object["spec"]["metrics"].elements {
            if Self.isCPU(metric), let target = metric[path: "resource", "target", "averageUtilization"].int {
                object["spec"]["targetCPUUtilizationPercentage"] = .int(target)
            } else {
                others.append(metric)
            }
        }
        object["spec"]["metrics"] = .null
        Self.put(others.isEmpty ? .null : .array(others), as: Self.metrics, into: &object)
        Self.put(object["spec"]["behavior"], as: Self.behavior, into: &object)
        object["spec"]["behavior"] = .null
        guard !object["status"].isNull else { return object }
        var current: [Value] = []
        for metric in object["status"]["currentMetrics"].elements {
            if Self.isCPU(metric), let value = metric[path: "resource", "current", "averageUtilization"].int {
                object["status"]["currentCPUUtilizationPercentage"] = .int(value)
            } else {
                current.append(metric)
            }
        }
        object["status"]["currentMetrics"] = .null
        Self.put(current.isEmpty ? .null : .array(current), as: Self.currentMetrics, into: &object)
        Self.put(object["status"]["conditions"], as: Self.conditions, into: &object)
        object["status"]["conditions"] = .null
        return object
    }

    private static func cpu(target: Value) -> Value { ["type": "Resource", "resource": ["name": "cpu", "target": target]] }
    private static func isCPU(_ metric: Value) -> Bool {
        metric["type"].string == "Resource" && metric[path: "resource", "name"].string == "cpu"
    }

    private static func take(_ annotation: String, from object: inout Value) -> Value? {
        guard let text = object[path: "metadata", "annotations"][annotation].string else { return nil }
        object["metadata"]["annotations"][annotation] = .null
        return try? JSON.decode(Array(text.utf8))
    }

    private static func put(_ value: Value, as annotation: String, into object: inout Value) {
        guard !value.isEmpty else { return }
        object["metadata"]["annotations"][annotation] = .string(String(decoding: JSON.encode(value), as: UTF8.self))
    }
}
