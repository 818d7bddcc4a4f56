internal import APIModel
internal import CEL

/// One thing that a claim asks for: a number of devices of one kind.
struct DeviceRequest {
    enum Amount: Equatable {
        case exactly(Whole)
        /// All that match, and at least one.
        case all
        /// A mode that this version does not know.
        case unknown(String)
    }

    /// As in results: `gpu`, or `gpu/small` for one of several of which the first that can be had counts.
    let name: String
    /// Without that of the request that it is one of.
    let ownName: String
    /// What configurations and constraints may call it: its name, and that of those it is one of.
    let names: Set<String>
    /// Whether it is one of several of which the first that can be had counts.
    let isAlternative: Bool
    let className: String
    let selectors: [Value]
    let amount: Amount
    /// Whether devices may be had that somebody else has, to look after them.
    let isAdmin: Bool
    let tolerations: [Value]
    /// What is asked of devices that can be shared.
    let capacity: [String: Quantity]

    fileprivate init(_ value: Value, name: String, of parent: String? = nil) {
        self.name = parent.map { "\($0)/\(name)" } ?? name
        ownName = name
        isAlternative = parent != nil
        names = Set([self.name, parent].compactMap(\.self))
        className = value["deviceClassName"].string ?? ""
        selectors = value["selectors"].elements
        amount =
            switch value["allocationMode"].string ?? "ExactCount" {
            case "ExactCount": .exactly(value["count"].int ?? 1)
            case "All": .all
            case let mode: .unknown(mode)
            }
        isAdmin = value["adminAccess"].bool == true
        tolerations = value["tolerations"].elements
        capacity = Dictionary(
            value["capacity"]["requests"].fields.compactMap { name, value in
                value.string.flatMap { try? Quantity($0) }.map { (name, $0) }
            }, uniquingKeysWith: { first, _ in first })
    }
}

/// A ResourceClaim that is to get devices.
struct DeviceClaim {
    let object: Object
    /// For each request the ways to meet it, the best first: one at least.
    let requests: [[DeviceRequest]]

    init(_ object: Object) {
        self.object = object
        requests = object.value["spec"]["devices"]["requests"].elements.map { request in
            let name = request["name"].string ?? ""
            let alternatives = request["firstAvailable"].elements
            // What is neither has no class, which is refused.
            guard request["exactly"].isNull, !alternatives.isEmpty else { return [DeviceRequest(request["exactly"], name: name)] }
            return alternatives.map { DeviceRequest($0, name: $0["name"].string ?? "", of: name) }
        }
    }

    var key: PodKey { PodKey(object) }
}
