internal import ArgumentParser

/// Flags of a node that hold several values.
enum NodeFlags {
    /// `a=1,b=`
    static func labels(_ values: [String], _ flag: String) throws -> [String: String] {
        var labels: [String: String] = [:]
        for word in CommaList.split(values) {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2, !parts[0].isEmpty else { throw ValidationError("\(flag): \(word) is not a label, as in key=value") }
            labels[parts[0]] = parts[1]
        }
        return labels
    }

    private static let effects: Set = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

    /// `key=value:NoSchedule,key:NoExecute`
    static func taints(_ values: [String], _ flag: String) throws -> [String] {
        let taints = CommaList.split(values)
        for taint in taints {
            let parts = taint.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            guard parts.count == 2, !parts[0].isEmpty, !parts[0].hasPrefix("="), effects.contains(parts[1]) else {
                throw ValidationError(
                    "\(flag): \(taint) is not a taint, as in key=value:NoSchedule; effects are \(effects.sorted().joined(separator: ", "))")
            }
        }
        return taints
    }
}
