internal import APIModel

/// What the devices of a claim must have in common, or must not.
///
/// Monotonic: a set of devices that breaks it is not mended by another device.
struct DeviceConstraint {
    private let attribute: String
    /// Whether the values must differ, instead of being the same.
    private let isDistinct: Bool
    /// Empty for all of the claim's.
    private let requests: Set<String>
    private var values: [Value] = []

    /// - Parameter value: an element of `spec.devices.constraints`; `nil` for a kind that is not known.
    init?(_ value: Value) {
        requests = Set(value["requests"].elements.compactMap(\.string))
        if let name = value["matchAttribute"].string {
            (attribute, isDistinct) = (name, false)
        } else if let name = value["distinctAttribute"].string {
            (attribute, isDistinct) = (name, true)
        } else {
            return nil
        }
    }

    private func applies(to request: DeviceRequest) -> Bool { requests.isEmpty || !requests.isDisjoint(with: request.names) }

    /// Takes the device into the set; `false` where that would break the constraint, and nothing is changed.
    mutating func add(_ device: Device, for request: DeviceRequest) -> Bool {
        guard applies(to: request) else { return true }
        guard let value = device.attribute(attribute) else { return false }
        guard isDistinct ? !values.contains(value) : values.isEmpty || values[0] == value else { return false }
        values.append(value)
        return true
    }

    /// Takes out the device that was added last.
    mutating func removeLast(for request: DeviceRequest) {
        if applies(to: request) { values.removeLast() }
    }
}
