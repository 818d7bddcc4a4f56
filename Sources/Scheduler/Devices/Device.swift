internal import APIModel
internal import CEL

/// A device, as claims name it.
struct DeviceName: Hashable {
    let pool: DevicePool.Name
    let device: String

    init(_ pool: DevicePool.Name, _ device: String) { (self.pool, self.device) = (pool, device) }

    /// - Parameter result: an element of `status.allocation.devices.results` of a claim.
    init(_ result: Value) {
        pool = DevicePool.Name(driver: result["driver"].string ?? "", pool: result["pool"].string ?? "")
        device = result["device"].string ?? ""
    }
}

extension DeviceName: CustomStringConvertible {
    var description: String { "\(pool)/\(device)" }
}

/// Which Nodes reach a device.
enum DeviceReach {
    case node(String)
    case everywhere
    /// A NodeSelector.
    case selected(Value)
    case nowhere

    /// - Parameter value: what has `nodeName`, `nodeSelector` or `allNodes`: the spec of a slice, or a device of one.
    init(_ value: Value) {
        if let name = value["nodeName"].string, !name.isEmpty {
            self = .node(name)
        } else if value["allNodes"].bool == true {
            self = .everywhere
        } else if !value["nodeSelector"].isNull {
            self = .selected(value["nodeSelector"])
        } else {
            self = .nowhere
        }
    }

    func has(_ node: VolumeMatch.Place) -> Bool {
        switch self {
        case .node(let name): name == node.name
        case .everywhere: true
        case .selected(let selector): NodeFit.matches(selector: selector, name: node.name, labels: node.labels)
        case .nowhere: false
        }
    }
}

/// One device of a ResourceSlice. Immutable.
final class Device {
    let name: DeviceName
    let reach: DeviceReach
    /// As the slice has it.
    let value: Value
    let isShareable: Bool
    /// Of each set of counters, what the device takes of which, whoever has it.
    let consumption: [(set: String, counters: [String: Quantity])]
    /// What is to be had of the device, by name.
    let capacity: [(name: String, value: DeviceCapacity)]
    /// What selectors look at, or why they cannot.
    let facts: Result<DeviceSelector.Facts, EvaluationError>

    /// - Parameter reach: of the slice, where not each of its devices has its own.
    init(_ value: Value, of pool: DevicePool.Name, reach: DeviceReach?) {
        self.value = value
        name = DeviceName(pool, value["name"].string ?? "")
        self.reach = reach ?? DeviceReach(value)
        isShareable = value["allowMultipleAllocations"].bool == true
        consumption = value["consumesCounters"].elements.map {
            ($0["counterSet"].string ?? "", Self.counters($0["counters"]))
        }
        capacity = value["capacity"].fields.map { ($0.key, DeviceCapacity($0.value)) }
        facts = Result { () throws(EvaluationError) in try DeviceSelector.Facts(driver: pool.driver, value) }
    }

    static func counters(_ value: Value) -> [String: Quantity] {
        Dictionary(
            value.fields.map { ($0.key, (try? Quantity($0.value["value"].string ?? "")) ?? .zero) }, uniquingKeysWith: { first, _ in first }
        )
    }

    /// The value of an attribute: by its whole name, or by the part behind the driver's domain. `nil` where the device has none.
    func attribute(_ name: String) -> Value? {
        let attributes = value["attributes"]
        if !attributes[name].isNull { return attributes[name] }
        guard let slash = name.firstIndex(of: "/"), name[..<slash] == self.name.pool.driver else { return nil }
        let own = attributes[String(name[name.index(after: slash)...])]
        return own.isNull ? nil : own
    }

    /// Whether a taint keeps away a request with these tolerations.
    func isTainted(against tolerations: [Value]) -> Bool {
        value["taints"].elements.contains { taint in
            ["NoSchedule", "NoExecute"].contains(taint["effect"].string)
                && !tolerations.contains { NodeFit.tolerates($0, taint) }
        }
    }

    /// Whether the device is only ready some time after it was allocated.
    var hasBindingConditions: Bool { !value["bindingConditions"].isEmpty }
}
