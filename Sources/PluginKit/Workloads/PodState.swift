public import APIModel

/// What controllers ask about a Pod, by upstream's rules (`k8s.io/kubernetes/pkg/api/v1/pod`).
public enum PodState {
    public static func condition(_ object: Value, _ type: String) -> Value {
        object["status"]["conditions"].elements.first { $0["type"].string == type } ?? .null
    }

    public static func isReady(_ pod: Value) -> Bool { condition(pod, "Ready")["status"].string == "True" }

    /// Neither ended nor being deleted.
    public static func isActive(_ pod: Value) -> Bool { !isTerminal(pod) && pod["metadata"]["deletionTimestamp"].isNull }

    public static func isTerminal(_ pod: Value) -> Bool { ["Succeeded", "Failed"].contains(pod["status"]["phase"].string ?? "") }

    /// Whether nothing of it runs, nor ever will.
    public static func isDone(_ pod: Value) -> Bool {
        isTerminal(pod) || !pod["metadata"]["deletionTimestamp"].isNull && pod["spec"]["nodeName"].isEmpty
    }

    /// Ready for at least `minReadySeconds`.
    /// - Parameter now: seconds since 1970.
    public static func isAvailable(_ pod: Value, minReadySeconds: Whole, now: Whole) -> Bool {
        guard isReady(pod) else { return false }
        guard minReadySeconds > 0 else { return true }
        return (readySince(pod) ?? now) + minReadySeconds <= now
    }

    /// When the Pod became ready, in seconds since 1970.
    public static func readySince(_ pod: Value) -> Whole? { condition(pod, "Ready")["lastTransitionTime"].time }

    /// Seconds until one of these becomes available with no event, for it has yet to stay ready; `nil` where none will.
    /// - Parameter now: seconds since 1970.
    public static func secondsToAvailable(_ pods: some Sequence<Value>, minReadySeconds: Whole, now: Whole) -> Whole? {
        pods.filter(isReady).compactMap { readySince($0) }.map { $0 + minReadySeconds - now }.filter { $0 > 0 }.min()
    }
}

extension Objects {
    /// Sets a condition of a Pod, and its phase where one is given, whatever others write at the same time. A Pod that is gone, or another
    /// of its name, is left alone.
    public func setPodCondition(
        _ pod: Value, type: String, _ state: Conditions.State, reason: String, message: String, phase: String? = nil
    ) throws {
        var status = pod["status"]
        Conditions.set(&status, type: type, state, reason: reason, message: message)
        var condition = status["conditions"].elements.first { $0["type"].string == type } ?? .null
        let metadata = pod["metadata"]
        condition["observedGeneration"] = metadata["generation"]
        let generation = phase == nil ? .null : metadata["generation"]
        do {
            try patch(
                .pods, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "", subresource: "status",
                .strategic,
                [
                    "metadata": ["uid": metadata["uid"]],
                    "status": ["phase": Value(phase), "observedGeneration": generation, "conditions": [condition]],
                ])
        } catch let error as APIError where error.reason == .notFound || error.reason == .conflict {}
    }
}
