internal import APIModel

/// From when on the users of a claim have to go because of taints of its devices. Rules: upstream `pkg/controller/devicetainteviction`.
struct DeviceTaints {
    private struct Device: Hashable {
        var driver: String
        var pool: String
        var name: String
    }

    /// The NoExecute taints of each device that has some, with the time when they were set.
    private var taints: [Device: [(taint: Value, since: Whole)]] = [:]

    /// - Parameter slices: all of the pools that matter. Of each pool those of its newest generation count.
    init(_ slices: [Value]) {
        for (_, slices) in Dictionary(grouping: slices, by: { [$0["spec"]["driver"], $0["spec"]["pool"]["name"]] }) {
            let newest = slices.compactMap { $0["spec"]["pool"]["generation"].int }.max() ?? 0
            for slice in slices where (slice["spec"]["pool"]["generation"].int ?? 0) == newest { add(slice) }
        }
    }

    private mutating func add(_ slice: Value) {
        let spec = slice["spec"]
        for device in spec["devices"].elements {
            let evicting = device["taints"].elements.filter { $0["effect"].string == "NoExecute" }
            guard !evicting.isEmpty else { continue }
            let key = Device(
                driver: spec["driver"].string ?? "", pool: spec["pool"]["name"].string ?? "", name: device["name"].string ?? "")
            taints[key] = evicting.map {
                (taint: $0, since: ($0["timeAdded"].isNull ? slice["metadata"]["creationTimestamp"] : $0["timeAdded"]).time ?? 0)
            }
        }
    }

    /// In seconds since 1970, `nil` where nobody has to go.
    func evictionTime(_ claim: Value) -> Whole? {
        claim["status"]["allocation"]["devices"]["results"].elements.flatMap { result in
            let device = Device(
                driver: result["driver"].string ?? "", pool: result["pool"].string ?? "", name: result["device"].string ?? "")
            return (taints[device] ?? []).compactMap { Self.end($0.taint, since: $0.since, result["tolerations"].elements) }
        }.min()
    }

    /// Until when a taint is tolerated; `nil` means for ever.
    private static func end(_ taint: Value, since: Whole, _ tolerations: [Value]) -> Whole? {
        let matching = tolerations.filter { $0["effect"].string == "NoExecute" && tolerates($0, taint) }
        guard !matching.isEmpty else { return since }
        let seconds = matching.map(\.["tolerationSeconds"].seconds)
        guard !seconds.contains(nil) else { return nil }
        return since + max(0, seconds.compactMap { $0 }.min() ?? 0)
    }

    private static func tolerates(_ toleration: Value, _ taint: Value) -> Bool {
        if let key = toleration["key"].string, !key.isEmpty, key != taint["key"].string { return false }
        switch toleration["operator"].string ?? "" {
        case "", "Equal": return (toleration["value"].string ?? "") == (taint["value"].string ?? "")
        case "Exists": return true
        default: return false
        }
    }
}
