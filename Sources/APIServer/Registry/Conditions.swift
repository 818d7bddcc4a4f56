import APIModel

/// The conditions of an object, `status.conditions`, one of each type.
enum Conditions {
    static func isTrue(_ type: String, _ object: Value) -> Bool {
        object[path: "status", "conditions"].elements.contains { $0["type"].string == type && $0["status"].string == "True" }
    }

    /// Sets a condition; the time is that of the last change of its status.
    static func set(_ type: String, _ isTrue: Bool, _ reason: String, _ message: String, in object: inout Value) {
        var conditions = object[path: "status", "conditions"].elements
        let index = conditions.firstIndex { $0["type"].string == type }
        let status = isTrue ? "True" : "False"
        let isSame = index.map { conditions[$0]["status"].string == status } ?? false
        let since = isSame ? index.map { conditions[$0]["lastTransitionTime"] } ?? .null : .string(Timestamp.now())
        let condition: Value = [
            "type": .string(type), "status": .string(status), "lastTransitionTime": since, "reason": .string(reason),
            "message": .string(message),
        ]
        if let index { conditions[index] = condition } else { conditions.append(condition) }
        object["status"]["conditions"] = .array(conditions)
    }

    static func remove(_ type: String, in object: inout Value) {
        object["status"]["conditions"] = .array(object[path: "status", "conditions"].elements.filter { $0["type"].string != type })
    }
}
