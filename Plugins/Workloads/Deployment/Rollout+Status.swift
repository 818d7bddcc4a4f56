internal import APIModel
internal import PluginKit

extension Rollout {
    /// Writes what was reached, and says when to look again: at the progress deadline, if the rollout is still on its way.
    mutating func updateStatus() throws -> Outcome {
        let now = Timestamp.nowSeconds()
        var status = deployment["status"].isNull ? .emptyObject : deployment["status"]
        let counts: [(String, Whole)] = [
            ("replicas", all.reduce(.zero) { $0 + $1.status("replicas") }), ("updatedReplicas", new?.status("replicas") ?? 0),
            ("readyReplicas", all.reduce(.zero) { $0 + $1.status("readyReplicas") }),
            ("availableReplicas", all.reduce(.zero) { $0 + $1.status("availableReplicas") }),
        ]
        let available = counts[3].1
        // Of none, ReplicaSets say so with a zero; who has not looked yet says nothing.
        let terminating = all.compactMap { $0.object["status"]["terminatingReplicas"].int }
        let before = status
        for (field, count) in counts { status[field] = count == 0 ? .null : .int(count) }
        status["terminatingReplicas"] = terminating.count == all.count ? .int(terminating.reduce(.zero, +)) : .null
        let unavailable = max(0, total - available)
        status["unavailableReplicas"] = unavailable == 0 ? .null : .int(unavailable)
        status["observedGeneration"] = deployment["metadata"]["generation"]

        let isAvailable = available >= wanted - limits.unavailable
        Conditions.set(
            &status, type: "Available", .init(isAvailable), reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            message: isAvailable ? "Deployment has minimum availability." : "Deployment does not have minimum availability.",
            hasUpdateTime: true)
        let again = setProgress(&status, before: before, now: now)
        setFailure(&status)

        if status != deployment["status"] {
            var changed = deployment
            changed["status"] = status
            do { try objects.updateStatus(DeploymentController.resource, changed) } catch let error as APIError
                where error.reason == .notFound
            { return .done }
        }
        return again
    }

    /// Says that the new ReplicaSet cannot be made.
    func tellFailure(_ message: String) throws {
        let reason = "ReplicaSetCreateError"
        objects.event(deployment, .warning, reason: reason, message: message)
        var changed = deployment
        if hasDeadline { set(&changed["status"], false, reason, message) }
        guard changed != deployment else { return }
        do { try objects.updateStatus(DeploymentController.resource, changed) } catch let error as APIError
            where error.reason == .notFound
        {}
    }

    private static let timedOut = "ProgressDeadlineExceeded"

    private var hasDeadline: Bool { deployment["spec"]["progressDeadlineSeconds"].int.map { $0 < Whole(Int32.max) } ?? false }

    private func setProgress(_ status: inout Value, before: Value, now: Whole) -> Outcome {
        guard let deadline = deployment["spec"]["progressDeadlineSeconds"].int, hasDeadline else {
            Conditions.remove(&status, type: "Progressing")
            return .done
        }
        let old = before["conditions"].elements.first { $0["type"].string == "Progressing" } ?? .null
        if deployment["spec"]["paused"].bool == true {
            // Who timed out says so for as long as nothing moves.
            if !["DeploymentPaused", Self.timedOut].contains(old["reason"].string ?? "") {
                set(&status, .unknown, "DeploymentPaused", "Deployment is paused")
            }
            return .done
        }
        // Once complete, a new size is no rollout: no deadline counts.
        if old["reason"].string == "NewReplicaSetAvailable", !isNewCreated, new != nil, status["replicas"] == status["updatedReplicas"] {
            return .done
        }
        let subject = new.map { "ReplicaSet \"\($0.name)\"" } ?? "Deployment \"\(name)\""
        if isComplete {
            if old["reason"].string != "NewReplicaSetAvailable" {
                set(&status, true, "NewReplicaSetAvailable", "\(subject) has successfully progressed.")
            }
            return .done
        }
        if old["reason"].string == "DeploymentPaused" { set(&status, .unknown, "DeploymentResumed", "Deployment is resumed") }
        let moved = ["updatedReplicas", "readyReplicas", "availableReplicas"].contains { (status[$0].int ?? 0) > (before[$0].int ?? 0) }
        let oldCount = (before["replicas"].int ?? 0) - (before["updatedReplicas"].int ?? 0)
        let shrank = (status["replicas"].int ?? 0) - (status["updatedReplicas"].int ?? 0) < oldCount
        let hasMoved = moved || shrank
        // Of a rollout whose beginning nobody noted, back to an earlier template or before a crash, the deadline counts from here.
        if hasMoved || isNewCreated || old.isNull || old["reason"].string == "NewReplicaSetAvailable" {
            var (reason, message) = ("ReplicaSetUpdated", "\(subject) is progressing.")
            if !hasMoved, isNewCreated || old.isNull {
                let verb = isNewCreated ? "Created" : "Found"
                (reason, message) = (
                    isNewCreated ? "NewReplicaSetCreated" : "FoundNewReplicaSet", "\(verb) new replica set \"\(new?.name ?? "")\""
                )
            }
            if old["reason"].string == reason, old["message"].string == message {
                // Progress without a new word: only the time moves, from which the deadline counts.
                touch(&status)
            } else {
                set(&status, true, reason, message)
            }
        }
        let current = status["conditions"].elements.first { $0["type"].string == "Progressing" } ?? .null
        guard current["status"].string != "False" else { return .done }
        let since = current["lastUpdateTime"].string.flatMap { Timestamp.parse($0)?.seconds } ?? now
        if now >= since + deadline {
            set(&status, false, Self.timedOut, "\(subject) has timed out progressing.")
            return .done
        }
        return .doneCheckAgain(afterMilliseconds: (since + deadline - now) * 1000 + 1000)
    }

    /// A ReplicaSet that cannot make its Pods says so; the Deployment repeats it.
    private func setFailure(_ status: inout Value) {
        let failures = ([new].compactMap { $0 } + old).compactMap { set in
            set.object["status"]["conditions"].elements.first { $0["type"].string == "ReplicaFailure" }
        }
        if let failure = failures.first {
            Conditions.set(
                &status, type: "ReplicaFailure", true, reason: failure["reason"].string ?? "", message: failure["message"].string ?? "",
                hasUpdateTime: true)
        } else {
            Conditions.remove(&status, type: "ReplicaFailure")
        }
    }

    private func set(_ status: inout Value, _ state: Conditions.State, _ reason: String, _ message: String) {
        Conditions.set(&status, type: "Progressing", state, reason: reason, message: message, hasUpdateTime: true)
    }

    private func touch(_ status: inout Value) {
        status["conditions"] = .array(
            status["conditions"].elements.map { condition in
                guard condition["type"].string == "Progressing" else { return condition }
                var condition = condition
                condition["lastUpdateTime"] = .string(Timestamp.now())
                return condition
            })
    }
}
