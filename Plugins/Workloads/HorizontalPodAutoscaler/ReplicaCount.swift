internal import APIModel
internal import PluginKit

/// What one Pod uses, or shows in a metric of its own.
struct PodMetric: Hashable {
    /// In thousandths.
    var value: Whole
    /// Seconds since 1970; the end of the window that it is measured over.
    var time: Whole = .max
    /// In seconds.
    var window: Whole = 0
}

/// How many Pods a metric asks for. No clock, no API.
///
/// Rules: upstream `replica_calculator.go`. Pods that do not tell, or are not ready, are taken for what slows a change down.
struct ReplicaCount {
    /// How far from 1 a ratio may be before it means anything.
    struct Tolerance: Hashable {
        var down = 0.1
        var up = 0.1

        func contains(_ ratio: Double) -> Bool { 1 - down <= ratio && ratio <= 1 + up }
    }

    /// Why there is no number.
    struct Problem: Error, Hashable, CustomStringConvertible {
        var description: String
        init(_ description: String) { self.description = description }
    }

    /// A Pod's load while it starts says nothing for so long, in seconds.
    static let initialization: Whole = 300
    /// A Pod that was ready for the first time within so many seconds after its start, and is not now, never was.
    static let initialReadiness: Whole = 30

    let current: Whole
    let pods: [Value]
    /// Seconds since 1970.
    let now: Whole
    var tolerance = Tolerance()

    /// Towards a share, in percent, of what the Pods ask for.
    func byUtilization(_ metrics: [String: PodMetric], resource: String, container: String?, target: Whole) throws(Problem) -> (
        replicas: Whole, utilization: Whole, average: Whole
    ) {
        let sorted = try sort(metrics, resource)
        var requests: [String: Whole] = [:]
        for pod in pods { requests[name(pod)] = try Self.request(of: pod, resource, container) }
        func ratio(_ metrics: [String: PodMetric]) throws(Problem) -> (ratio: Double, utilization: Whole, average: Whole) {
            let known = metrics.filter { requests[$0.key] != nil }
            let asked = known.keys.reduce(Whole.zero) { $0 + (requests[$1] ?? 0) }
            guard asked != 0 else { throw Problem("no metrics returned matched known pods") }
            let used = known.values.reduce(Whole.zero) { $0 + $1.value }
            let utilization = used * 100 / asked
            return (Double(utilization) / Double(target), utilization, used / Whole(known.count))
        }
        let first = try ratio(sorted.metrics)
        let replicas = try settle(
            first.ratio, sorted, missing: { name in (requests[name] ?? 0) * max(100, target) / 100 },
            again: { metrics throws(Problem) in try ratio(metrics).ratio })
        return (replicas, first.utilization, first.average)
    }

    /// Towards an average of each Pod, in thousandths.
    func byAverage(_ metrics: [String: PodMetric], resource: String, target: Whole) throws(Problem) -> (replicas: Whole, average: Whole) {
        let sorted = try sort(metrics, resource)
        func average(_ metrics: [String: PodMetric]) -> Whole {
            metrics.values.reduce(Whole.zero) { $0 + $1.value } / Whole(metrics.count)
        }
        let first = average(sorted.metrics)
        let replicas = try settle(
            Double(first) / Double(target), sorted, missing: { _ in target },
            again: { metrics throws(Problem) in Double(average(metrics)) / Double(target) })
        return (replicas, first)
    }

    /// By how much one number of all Pods together is off, from the Pods that are ready.
    func byRatio(_ ratio: Double) throws(Problem) -> Whole {
        guard current != 0 else { return Self.ceil(ratio) }
        if tolerance.contains(ratio) { return current }
        guard !pods.isEmpty else {
            throw Problem("unable to calculate ready pods: no pods returned by selector while calculating replica count")
        }
        return Self.ceil(ratio * Double(pods.count { $0["status"]["phase"].string == "Running" && PodState.isReady($0) }))
    }

    /// Towards an average that is reckoned from one number of all Pods together, both in thousandths.
    /// - Parameter replicas: how many there are.
    func byShare(_ usage: Whole, of replicas: Whole, target: Whole) -> (replicas: Whole, average: Whole) {
        let ratio = Double(usage) / (Double(target) * Double(replicas))
        let wanted = tolerance.contains(ratio) ? replicas : Self.ceil(Double(usage) / Double(target))
        // What is shown is no number of Pods: it may be as large as it likes.
        return (wanted, replicas > 0 ? Whole((Double(usage) / Double(replicas)).rounded(.up)) : usage)
    }

    private static func ceil(_ number: Double) -> Whole { min(Whole(number.rounded(.up)), Whole(Int32.max)) }

    // MARK: Pods

    private struct Sorted {
        var ready = 0
        var unready: Set<String> = []
        var missing: Set<String> = []
        /// Of the ready ones.
        var metrics: [String: PodMetric]
    }

    private func name(_ pod: Value) -> String { pod["metadata"]["name"].string ?? "" }

    private func sort(_ metrics: [String: PodMetric], _ resource: String) throws(Problem) -> Sorted {
        guard !pods.isEmpty else { throw Problem("no pods returned by selector while calculating replica count") }
        var sorted = Sorted(metrics: metrics)
        for pod in pods {
            let name = name(pod)
            let phase = pod["status"]["phase"].string
            if !pod["metadata"]["deletionTimestamp"].isNull || phase == "Failed" {
                sorted.metrics[name] = nil
            } else if phase == "Pending" {
                sorted.unready.insert(name)
            } else if let metric = metrics[name] {
                if resource == "cpu", isStarting(pod, metric) { sorted.unready.insert(name) } else { sorted.ready += 1 }
            } else {
                sorted.missing.insert(name)
            }
        }
        for name in sorted.unready { sorted.metrics[name] = nil }
        guard !sorted.metrics.isEmpty else { throw Problem("did not receive metrics for targeted pods (pods might be unready)") }
        return sorted
    }

    private func isStarting(_ pod: Value, _ metric: PodMetric) -> Bool {
        let condition = PodState.condition(pod, "Ready")
        guard !condition.isNull, let start = pod["status"]["startTime"].time else { return true }
        let (isReady, since) = (condition["status"].string != "False", condition["lastTransitionTime"].time ?? 0)
        if start + Self.initialization > now { return !isReady || metric.time < since + metric.window }
        return !isReady && start + Self.initialReadiness > since
    }

    /// In thousandths.
    private static func request(of pod: Value, _ resource: String, _ container: String?) throws(Problem) -> Whole {
        let (spec, podName) = (pod["spec"], pod["metadata"]["name"].string ?? "")
        func amount(_ value: Value) -> Whole? { (value.string ?? value.int.map { "\($0)" }).flatMap { try? Quantity($0) }?.milliValue }
        if container == nil, !spec["resources"]["requests"].isEmpty {
            guard let whole = PodTotals.requests(of: pod, .overhead)[resource] else {
                throw Problem("missing pod-level request for \(resource) in Pod \(podName)")
            }
            return whole.milliValue
        }
        let sidecars = spec["initContainers"].elements.filter { $0["restartPolicy"].string == "Always" }
        let all = (spec["containers"].elements + sidecars).filter { container == nil || $0["name"].string == container }
        if let container, all.isEmpty { throw Problem("container \(container) not found in Pod \(podName)") }
        var sum: Whole = 0
        for one in all {
            guard let request = amount(one["resources"]["requests"][resource]) else {
                throw Problem("missing request for \(resource) in container \(one["name"].string ?? "") of Pod \(podName)")
            }
            sum = sum + request
        }
        return sum
    }

    /// The number for a ratio; where Pods do not tell, a careful guess may take it back to what there is.
    private func settle(
        _ first: Double, _ sorted: Sorted, missing: (String) -> Whole, again: ([String: PodMetric]) throws(Problem) -> Double
    ) throws(Problem) -> Whole {
        let countsUnready = !sorted.unready.isEmpty && first > 1
        if !countsUnready, sorted.missing.isEmpty {
            return tolerance.contains(first) ? current : Self.ceil(first * Double(sorted.ready))
        }
        var metrics = sorted.metrics
        if first < 1 {
            for name in sorted.missing { metrics[name] = PodMetric(value: missing(name)) }
        } else if first > 1 {
            for name in sorted.missing { metrics[name] = PodMetric(value: 0) }
        }
        if countsUnready { for name in sorted.unready { metrics[name] = PodMetric(value: 0) } }
        let second = try again(metrics)
        if tolerance.contains(second) || first < 1 && second > 1 || first > 1 && second < 1 { return current }
        let replicas = Self.ceil(second * Double(metrics.count))
        return second < 1 && replicas > current || second > 1 && replicas < current ? current : replicas
    }
}
