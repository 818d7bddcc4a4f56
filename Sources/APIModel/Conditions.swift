internal import OrderedCollections

/// The `status.conditions` list of an object.
public enum Conditions {
    public enum State: String, Sendable, ExpressibleByBooleanLiteral {
        case yes = "True"
        case no = "False"
        case unknown = "Unknown"

        public init(booleanLiteral value: Bool) { self = value ? .yes : .no }
        public init(_ value: Bool) { self = value ? .yes : .no }
    }

    /// Puts in a condition, or replaces the one of its type. `lastTransitionTime` moves only when `status` changes, `lastUpdateTime` (which
    /// Deployments have) with every change.
    ///
    /// - Returns: whether anything changed.
    @discardableResult
    public static func set(
        _ status: inout Value, type: String, _ state: State, reason: String, message: String, hasUpdateTime: Bool = false
    ) -> Bool {
        let now = Value.string(Timestamp.now())
        let word = state.rawValue
        var condition: Value = [
            "type": .string(type), "status": .string(word), "reason": .string(reason), "message": .string(message),
            "lastTransitionTime": now,
        ]
        if hasUpdateTime { condition["lastUpdateTime"] = now }
        var all = status["conditions"].elements
        if let index = all.firstIndex(where: { $0["type"].string == type }) {
            let old = all[index]
            if old["status"].string == word, old["reason"].string == reason, old["message"].string == message { return false }
            if old["status"].string == word { condition["lastTransitionTime"] = old["lastTransitionTime"] }
            // What else a condition has, such as `lastHeartbeatTime`, is others' to change.
            for (field, value) in old.fields where condition[field].isNull { condition[field] = value }
            all[index] = condition
        } else {
            all.append(condition)
        }
        status["conditions"] = .array(all)
        return true
    }

    public static func isTrue(_ status: Value, type: String) -> Bool {
        status["conditions"].elements.contains { $0["type"].string == type && $0["status"].string == State.yes.rawValue }
    }

    /// Removes the condition of a type.
    public static func remove(_ status: inout Value, type: String) {
        let rest = status["conditions"].elements.filter { $0["type"].string != type }
        status["conditions"] = rest.isEmpty ? .null : .array(rest)
    }

    /// Changes the condition of a type in place, if there is one.
    public static func update(_ status: inout Value, type: String, _ change: (inout Value) -> Void) {
        guard let index = status["conditions"].elements.firstIndex(where: { $0["type"].string == type }) else { return }
        change(&status["conditions"][index])
    }
}
