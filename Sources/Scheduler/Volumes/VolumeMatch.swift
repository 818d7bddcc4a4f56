package import APIModel

/// Which PersistentVolume a claim that waits gets on a Node.
enum VolumeMatch {
    /// Of a Node, what a volume's node affinity looks at.
    struct Place {
        let name: String
        let labels: [String: String]
    }

    /// Whether the volume is as the claim wants it, wherever it is.
    static func fits(_ volume: Object, _ claim: Object) -> Bool {
        let (has, wants) = (volume.value["spec"], claim.value["spec"])
        guard volume.storageClassName == claim.storageClassName,
            (has["volumeMode"].string ?? "Filesystem") == (wants["volumeMode"].string ?? "Filesystem"),
            has["volumeAttributesClassName"].string ?? "" == wants["volumeAttributesClassName"].string ?? ""
        else { return false }
        let modes = Set(has["accessModes"].elements.compactMap(\.string))
        guard modes.isSuperset(of: wants["accessModes"].elements.compactMap(\.string)) else { return false }
        if !wants["selector"].isNull {
            guard let selector = try? LabelSelector(wants["selector"]), selector.matches(volume.labels) else { return false }
        }
        return capacity(has["capacity"]["storage"]) >= capacity(wants["resources"]["requests"]["storage"])
    }

    /// The smallest that fits and can be reached from the Node.
    static func smallest(_ claim: Object, from volumes: [Object], on node: Place) -> Object? {
        volumes.filter { fits($0, claim) && reaches($0, node) }
            .min { capacity($0.value["spec"]["capacity"]["storage"]) < capacity($1.value["spec"]["capacity"]["storage"]) }
    }

    private static func capacity(_ value: Value) -> Int64 {
        guard let text = value.string ?? value.int.map(String.init), let quantity = try? Quantity(text) else { return 0 }
        return quantity.value.int64
    }

    private static func reaches(_ volume: Object, _ node: Place) -> Bool {
        let required = volume.value["spec"]["nodeAffinity"]["required"]
        return required.isNull || required["nodeSelectorTerms"].elements.contains { matches($0, node) }
    }

    private static func matches(_ term: Value, _ node: Place) -> Bool {
        let (labels, fields) = (term["matchExpressions"].elements, term["matchFields"].elements)
        guard !labels.isEmpty || !fields.isEmpty else { return false }
        return labels.allSatisfy { holds($0, node.labels[$0["key"].string ?? ""]) } && fields.allSatisfy { holds($0, node.name) }
    }

    private static func holds(_ expression: Value, _ value: String?) -> Bool {
        let values = expression["values"].elements.compactMap(\.string)
        return switch expression["operator"].string {
        case "In": value.map(values.contains) ?? false
        case "NotIn": value.map { !values.contains($0) } ?? true
        case "Exists": value != nil
        case "DoesNotExist": value == nil
        case "Gt": compare(value, values) { $0 > $1 }
        case "Lt": compare(value, values) { $0 < $1 }
        default: false
        }
    }

    private static func compare(_ value: String?, _ values: [String], _ holds: (Int64, Int64) -> Bool) -> Bool {
        guard let value = value.flatMap({ Int64($0) }), let bound = values.first.flatMap({ Int64($0) }) else { return false }
        return holds(value, bound)
    }
}

/// How a claim that waited gets its volume, now that its Pod has a Node.
package enum VolumeBinding: Sendable {
    /// This one, which is there.
    case existing(claim: Object, volume: Object)
    /// One that a provisioner makes for the Node.
    case provisioned(claim: Object)

    var claim: Object {
        switch self {
        case .existing(let claim, _), .provisioned(let claim): claim
        }
    }
}
