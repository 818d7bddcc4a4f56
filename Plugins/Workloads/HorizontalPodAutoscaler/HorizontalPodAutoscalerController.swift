public import APIModel
public import PluginKit
internal import Synchronization

/// Gives a workload as many Pods as its metrics ask for.
///
/// Rules: upstream `pkg/controller/podautoscaler`. `MetricReader` asks, `ReplicaCount` reckons, `Scaling` holds back.
public struct HorizontalPodAutoscalerController: Controller {
    private static let resource = GroupVersionResource(group: "autoscaling", version: "v2", resource: "horizontalpodautoscalers")
    /// Between two looks, in milliseconds.
    private static let period = 15_000

    private let objects: Objects
    private let kinds: HostKinds
    private let histories = Histories()
    private let pace = Pace(period: .milliseconds(Self.period))
    private let selectors = Selectors()

    public init(_ host: Host, config: Value) {
        objects = host.objects
        kinds = host.kinds
    }

    public func reconcile(_ key: Key) throws -> Outcome {
        guard let autoscaler = try objects.get(Self.resource, namespace: key.namespace, name: key.name) else {
            histories[key.uid] = nil
            pace.forget(key.uid)
            selectors.forget(key.name, in: key.namespace)
            return .done
        }
        guard autoscaler["metadata"]["deletionTimestamp"].isNull else { return .done }
        if let wait = pace.wait(for: autoscaler) { return .doneCheckAgain(afterMilliseconds: wait) }
        var look = Look(autoscaler: autoscaler)
        do throws(Stop) { try decide(&look) } catch {
            // The condition says why; there is nothing to do but to look again.
            if let event = error.event { objects.event(autoscaler, .warning, reason: event.reason, message: event.message) }
        }
        if look.status != autoscaler["status"] { try write(look.status, to: autoscaler) }
        return .doneCheckAgain(afterMilliseconds: Whole(Self.period))
    }

    /// Whatever else was changed meanwhile: that it was scaled cannot be found out later.
    private func write(_ status: Value, to autoscaler: Value) throws {
        var changed = autoscaler
        changed["status"] = status
        do { try objects.updateStatus(Self.resource, changed) } catch let error as APIError where error.reason == .conflict {
            let metadata = autoscaler["metadata"]
            let newest = try objects.fetch(
                Self.resource, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
            guard var newest, newest["metadata"]["uid"] == metadata["uid"] else { return }
            newest["status"] = status
            try objects.updateStatus(Self.resource, newest)
        }
    }

    /// One look at one autoscaler, and the status that it comes to.
    private struct Look {
        let autoscaler: Value
        var status: Value
        let now = Timestamp.nowSeconds()

        init(autoscaler: Value) {
            self.autoscaler = autoscaler
            status = autoscaler["status"].isNull ? .emptyObject : autoscaler["status"]
            status["observedGeneration"] = autoscaler["metadata"]["generation"]
        }

        var spec: Value { autoscaler["spec"] }
        var namespace: String { autoscaler["metadata"]["namespace"].string ?? "" }

        mutating func set(_ type: String, _ state: Conditions.State, _ reason: String, _ message: String) {
            Conditions.set(&status, type: type, state, reason: reason, message: message)
        }

        mutating func set(current: Whole, desired: Whole, metrics: [Value], isScaled: Bool) {
            status["currentReplicas"] = current == 0 ? .null : .int(current)
            status["desiredReplicas"] = .int(desired)
            status["currentMetrics"] = metrics.isEmpty ? .null : .array(metrics)
            if isScaled { status["lastScaleTime"] = .string(Timestamp.format(seconds: now)) }
        }
    }

    /// Nothing more can be done in this look.
    private struct Stop: Error {
        var event: Scaling.Word?
    }

    private func decide(_ look: inout Look) throws(Stop) {
        let (target, scale) = try target(&look)
        look.set("AbleToScale", true, "SucceededGetScale", "the HPA controller was able to get the target's current scale")
        let (current, spec) = (scale["spec"]["replicas"].int ?? 0, look.spec)
        let (least, most) = (spec["minReplicas"].int ?? 1, spec["maxReplicas"].int ?? 1)
        let uid = look.autoscaler["metadata"]["uid"].string ?? ""
        var history = histories[uid] ?? Scaling.History()
        if history.recommendations.isEmpty { history.note(recommendation: current, now: look.now) }

        var (desired, reason, metrics): (Whole, String, [Value]) = (current, "", [])
        if current == 0, least != 0 {
            look.set("ScalingActive", false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero")
        } else if current > most {
            (desired, reason) = (most, "Current number of replicas above Spec.MaxReplicas")
        } else if current < least {
            (desired, reason) = (least, "Current number of replicas below Spec.MinReplicas")
        } else {
            let proposal = try propose(&look, scale, current)
            metrics = proposal.metrics
            reason = proposal.replicas > current ? "\(proposal.name) above target" : "All metrics below target"
            let scaling = Scaling(
                behavior: spec["behavior"], least: least, most: most, current: current, history: history, now: look.now)
            let result = scaling.result(for: proposal.replicas)
            history.note(recommendation: proposal.replicas, now: look.now)
            let word = result.stabilized ?? Scaling.Word(reason: "ReadyForNewScale", message: "recommended size matches current size")
            look.set("AbleToScale", true, word.reason, word.message)
            look.set("ScalingLimited", .init(result.isLimited), result.limit.reason, result.limit.message)
            desired = result.replicas
        }
        histories[uid] = history
        if desired != current {
            try rescale(&look, target, scale, from: current, to: desired, reason, metrics)
            history.note(scaledFrom: current, to: desired, now: look.now)
            histories[uid] = history
        }
        look.set(current: current, desired: desired, metrics: metrics, isScaled: desired != current)
    }

    // MARK: The target

    private func target(_ look: inout Look) throws(Stop) -> (GroupVersionResource, Value) {
        let reference = look.spec["scaleTargetRef"]
        do {
            let (kind, name) = (reference["kind"].string ?? "", reference["name"].string ?? "")
            let version = reference["apiVersion"].string ?? ""
            guard let group = GroupVersion(version)?.group else {
                throw ReplicaCount.Problem("unexpected GroupVersion string: \(version)")
            }
            guard let resource = try kinds.current.preferred(group: group, kind: kind)?.resource else {
                throw ReplicaCount.Problem("no matches for kind \(FieldError.quoted(kind)) in group \(FieldError.quoted(group))")
            }
            guard let scale = try objects.get(resource, namespace: look.namespace, name: name, subresource: "scale") else {
                throw ReplicaCount.Problem(
                    "\(resource.resource)\(resource.group.isEmpty ? "" : ".\(resource.group)") \"\(name)\" not found")
            }
            return (resource, scale)
        } catch {
            look.set(
                "AbleToScale", false, "FailedGetScale", "the HPA controller was unable to get the target's current scale: \(error)")
            throw Stop(event: Scaling.Word(reason: "FailedGetScale", message: "\(error)"))
        }
    }

    private func rescale(
        _ look: inout Look, _ target: GroupVersionResource, _ scale: Value, from current: Whole, to desired: Whole, _ reason: String,
        _ metrics: [Value]
    ) throws(Stop) {
        do { try write(desired, to: target, scale) } catch {
            look.set("AbleToScale", false, "FailedUpdateScale", "the HPA controller was unable to update the target scale: \(error)")
            look.set(current: current, desired: current, metrics: metrics, isScaled: false)
            let message = "New size: \(desired); reason: \(reason); error: \(error)"
            throw Stop(event: Scaling.Word(reason: "FailedRescale", message: message))
        }
        look.set("AbleToScale", true, "SucceededRescale", "the HPA controller was able to update the target scale to \(desired)")
        objects.event(look.autoscaler, .normal, reason: "SuccessfulRescale", message: "New size: \(desired); reason: \(reason)")
    }

    /// Whoever else writes to the target at the same time: what was reckoned stands.
    private func write(_ replicas: Whole, to target: GroupVersionResource, _ scale: Value) throws {
        var scale = scale
        for isLast in [false, false, false, false, true] {
            scale["spec"]["replicas"] = .int(replicas)
            do {
                try objects.update(target, scale, subresource: "scale")
                return
            } catch let error as APIError where error.reason == .conflict && !isLast {
                let metadata = scale["metadata"]
                guard
                    let newest = try objects.get(
                        target, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", subresource: "scale")
                else { throw error }
                scale = newest
            }
        }
    }

    /// The Pods of the target. They must be no other autoscaler's, too.
    private func pods(_ look: inout Look, of scale: Value, _ current: Whole) throws(Stop) -> (selector: String, pods: [Value]) {
        let text = scale["status"]["selector"].string ?? ""
        guard !text.isEmpty else {
            let message = "the HPA target's scale is missing a selector"
            throw refusal(&look, current, event: "SelectorRequired", "selector is required", condition: "InvalidSelector", message)
        }
        guard let selector = try? LabelSelector(parsing: text) else {
            let message = "couldn't convert selector into a corresponding internal selector object: \(text)"
            throw refusal(&look, current, event: "InvalidSelector", message, condition: "InvalidSelector", message)
        }
        let pods = (try? objects.list(.pods, namespace: look.namespace, selector: text)) ?? []
        let name = look.autoscaler["metadata"]["name"].string ?? ""
        let all = selectors.note(selector, of: name, in: look.namespace, choosing: Set(pods.map { $0["metadata"]["labels"].strings }))
        guard all.count < 2 else {
            let names = all.map { "{\($0) \(look.namespace)}" }.joined(separator: " ")
            let message = "pods by selector \(text) are controlled by multiple HPAs: [\(names)]"
            throw refusal(&look, current, event: "AmbiguousSelector", message, condition: "AmbiguousSelector", message)
        }
        return (text, pods)
    }

    /// There is nobody to ask for metrics: tells it once as what it is and, by way of the caller, once as what comes of it.
    private func refusal(
        _ look: inout Look, _ current: Whole, event: String, _ problem: String, condition: String, _ message: String
    ) -> Stop {
        objects.event(look.autoscaler, .warning, reason: event, message: problem)
        look.set("ScalingActive", false, condition, message)
        look.set(current: current, desired: look.status["desiredReplicas"].int ?? 0, metrics: [], isScaled: false)
        return Stop(event: Scaling.Word(reason: "FailedComputeMetricsReplicas", message: problem))
    }

    // MARK: Metrics

    private func propose(_ look: inout Look, _ scale: Value, _ current: Whole) throws(Stop) -> (
        replicas: Whole, name: String, metrics: [Value]
    ) {
        let (selector, pods) = try pods(&look, of: scale, current)
        let reader = MetricReader(
            objects: objects, kinds: kinds, autoscaler: look.autoscaler, scale: scale, pods: pods, selector: selector, now: look.now)
        let wanted = look.spec["metrics"].elements
        var (best, failures): (MetricReader.Proposal?, [MetricReader.Failure]) = (nil, [])
        var metrics: [Value] = []
        for metric in wanted {
            do throws(MetricReader.Failure) {
                let proposal = try reader.proposal(for: metric)
                metrics.append(proposal.status)
                // Of several that ask for none, the last is named.
                if best.map({ $0.replicas == 0 || proposal.replicas > $0.replicas }) ?? true { best = proposal }
            } catch {
                failures.append(error)
                // Each stands in its own place: `kubectl` pairs what is with what is wanted by their order.
                metrics.append(["type": ""])
                objects.event(look.autoscaler, .warning, reason: error.reason, message: error.message)
            }
        }
        // What is not known must not take Pods away.
        if let best, failures.isEmpty || best.replicas >= current {
            let message = "the HPA was able to successfully calculate a replica count from \(best.name)"
            look.set("ScalingActive", true, "ValidMetricFound", message)
            return (best.replicas, best.name, metrics)
        }
        look.set(current: current, desired: look.status["desiredReplicas"].int ?? 0, metrics: metrics, isScaled: false)
        guard let first = failures.first else { throw Stop(event: nil) }
        look.set("ScalingActive", false, first.reason, "the HPA was unable to compute the replica count: \(first.message)")
        let why = first.subject.isEmpty ? first.message : "failed to get \(first.subject): \(first.message)"
        let message = "invalid metrics (\(failures.count) invalid out of \(wanted.count)), first error is: \(why)"
        throw Stop(event: Scaling.Word(reason: "FailedComputeMetricsReplicas", message: message))
    }
}

/// What happened to each autoscaler lately, by its uid.
private final class Histories: Sendable {
    private let known = Mutex<[String: Scaling.History]>([:])

    subscript(uid: String) -> Scaling.History? {
        get { known.withLock { $0[uid] } }
        set { known.withLock { $0[uid] = newValue } }
    }
}
