import APIModel

/// Lists of tolerations.
enum Tolerations {
    /// Without those that another one covers; of two equal ones the first stays.
    static func merged(_ all: [Value]) -> [Value] {
        var merged: [Value] = []
        for (index, toleration) in all.enumerated() {
            if merged.contains(where: { covers($0, toleration) }) { continue }
            if all[(index + 1)...].contains(where: { $0 != toleration && covers($0, toleration) }) { continue }
            merged.append(toleration)
        }
        return merged
    }

    /// Whether everything that `other` tolerates is tolerated by `toleration`, at least as long.
    static func covers(_ toleration: Value, _ other: Value) -> Bool {
        if toleration == other { return true }
        let (key, `operator`) = (toleration["key"].string ?? "", toleration["operator"].string ?? "Equal")
        guard key == other["key"].string ?? "" || (key.isEmpty && `operator` == "Exists") else { return false }
        let effect = toleration["effect"].string ?? ""
        guard effect.isEmpty || effect == other["effect"].string ?? "" else { return false }
        if effect == "NoExecute", let seconds = toleration["tolerationSeconds"].int {
            guard let asked = other["tolerationSeconds"].int, asked <= seconds else { return false }
        }
        switch `operator` {
        // Upstream does not take a missing operator for Equal on the other side.
        case "Equal", "":
            return other["operator"].string == "Equal" && (toleration["value"].string ?? "") == (other["value"].string ?? "")
        case "Exists": return true
        default: return false
        }
    }

    /// Whether each of `asked` is covered by one of `allowed`.
    static func cover(_ allowed: [Value], _ asked: [Value]) -> Bool {
        asked.allSatisfy { toleration in allowed.contains { covers($0, toleration) } }
    }
}
