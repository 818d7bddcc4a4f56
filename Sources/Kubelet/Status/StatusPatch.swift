import APIModel
import OrderedCollections

/// The strategic merge patch from one pod status to another. Touches only what is the kubelet's and only what changed.
enum StatusPatch {
    /// `.null` when nothing differs. `uid` makes the patch fail on another pod of the same name.
    static func make(from old: Value, to new: Value, uid: String) -> Value {
        var changes = Value.Fields()
        for field in scalar {
            if new[field].isNull {
                // A null takes the field away.
                if !old[field].isNull { changes[field] = .null }
            } else if old[field] != new[field] {
                changes[field] = new[field]
            }
        }
        let conditions = changedConditions(old, new)
        if !conditions.isEmpty { changes["conditions"] = .array(conditions) }
        for field in ["podIPs", "hostIPs"] {
            let entries = changedAddresses(old[field], new[field])
            if !entries.isEmpty { changes[field] = .array(entries) }
        }
        return changes.isEmpty ? .null : ["metadata": ["uid": .string(uid)], "status": .object(changes)]
    }

    /// Fields that are replaced whole.
    private static let scalar = [
        "observedGeneration", "phase", "message", "reason", "hostIP", "podIP", "startTime", "initContainerStatuses", "containerStatuses",
        "ephemeralContainerStatuses", "qosClass", "allocatedResources", "resources",
    ]

    /// Conditions merge by type, so an element holds what changed, and nulls for what went.
    private static func changedConditions(_ old: Value, _ new: Value) -> [Value] {
        let types = Set(new["conditions"].elements.compactMap { $0["type"].string })
        let gone = old["conditions"].elements.compactMap { $0["type"].string }.filter {
            PodConditions.owned.contains($0) && !types.contains($0)
        }
        return gone.map { ["type": .string($0), "$patch": "delete"] }
            + new["conditions"].elements.compactMap { condition in
                let before = old["conditions"].elements.first { $0["type"] == condition["type"] } ?? .null
                guard before.isNull || differs(before, condition) else { return nil }
                var fields = condition.fields
                for field in ["reason", "message"] where condition[field].isNull && !before[field].isNull { fields[field] = .null }
                return .object(fields)
            }
    }

    private static func differs(_ a: Value, _ b: Value) -> Bool {
        ["status", "reason", "message", "lastTransitionTime", "observedGeneration"].contains { a[$0] != b[$0] }
    }

    /// Addresses merge by `ip`, so those that went have to be named.
    private static func changedAddresses(_ old: Value, _ new: Value) -> [Value] {
        let before = old.elements.compactMap { $0["ip"].string }
        let after = new.elements.compactMap { $0["ip"].string }
        guard before != after else { return [] }
        return before.filter { !after.contains($0) }.map { ["ip": .string($0), "$patch": "delete"] } + after.map { ["ip": .string($0)] }
    }
}
