internal import APIModel
internal import PluginKit

extension StatefulSetPlan {
    /// The status that follows from the Pods.
    func status(collisions: Whole) -> Value {
        let pods = Array(replicas.values) + condemned
        let minReady = statefulSet["spec"]["minReadySeconds"].seconds ?? 0
        let staying = pods.filter { $0["metadata"]["deletionTimestamp"].isNull }
        let ready = pods.filter { $0["status"]["phase"].string == "Running" && PodState.isReady($0) }
        func count(_ revision: Value) -> Int {
            staying.count { $0["metadata"]["labels"][RevisionHistory.label] == revision["metadata"]["name"] }
        }
        var status = statefulSet["status"].isNull ? .emptyObject : statefulSet["status"]
        status["observedGeneration"] = statefulSet["metadata"]["generation"]
        status["replicas"] = Value(pods.count)
        status["availableReplicas"] = Value(ready.count { PodState.isAvailable($0, minReadySeconds: minReady, now: now) })
        status["collisionCount"] = .int(collisions)
        status["currentRevision"] = current["metadata"]["name"]
        status["updateRevision"] = update["metadata"]["name"]
        var (before, after) = (count(current), count(update))
        let wanted = statefulSet["spec"]["replicas"].int ?? 1
        if statefulSet["spec"]["updateStrategy"]["type"].string == "RollingUpdate",
            [after, ready.count, pods.count].allSatisfy({ Whole($0) == wanted })
        {
            // The update is through: what was new is what there is.
            status["currentRevision"] = update["metadata"]["name"]
            before = after
        }
        for (field, number) in [("readyReplicas", ready.count), ("currentReplicas", before), ("updatedReplicas", after)] {
            status[field] = number == 0 ? .null : Value(number)
        }
        return status
    }

    /// Seconds until a Pod becomes available with no event, `nil` where none will.
    var secondsToAvailable: Whole? {
        let minReady = statefulSet["spec"]["minReadySeconds"].seconds ?? 0
        return PodState.secondsToAvailable(replicas.values, minReadySeconds: minReady, now: now)
    }
}
