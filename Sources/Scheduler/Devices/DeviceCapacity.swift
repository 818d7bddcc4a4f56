internal import APIModel

/// What a device that several claims may share has of something, and how much of it a claim can ask for.
///
/// Rules: upstream `structured/internal/…/consumable_capacity.go`.
struct DeviceCapacity {
    let total: Quantity
    private let standard: Quantity?
    private let range: (min: Quantity, max: Quantity?, step: Quantity?)?
    private let values: [Quantity]

    /// - Parameter value: of `capacity` of a device.
    init(_ value: Value) {
        func quantity(_ value: Value) -> Quantity? { value.string.flatMap { try? Quantity($0) } }
        let policy = value["requestPolicy"]
        total = quantity(value["value"]) ?? .zero
        standard = quantity(policy["default"])
        let range = policy["validRange"]
        self.range = range.isNull ? nil : (quantity(range["min"]) ?? .zero, quantity(range["max"]), quantity(range["step"]))
        values = policy["validValues"].elements.compactMap(quantity)
    }

    /// What a request takes; `nil` where it asks for what nobody can get.
    /// - Parameter requested: `nil` where it does not say.
    func taken(by requested: Quantity?) -> Quantity? {
        guard let requested else { return standard ?? total }
        if let range {
            var taken = max(requested, range.min)
            if let step = range.step, step > .zero {
                let (beyond, step) = ((taken - range.min).value, step.value)
                let steps = beyond / step + (beyond % step == 0 ? 0 : 1)
                taken = Quantity(value: (range.min.value + steps * step).int64, format: .binarySI)
            }
            return taken == standard || range.max.map { taken <= $0 } ?? true ? taken : nil
        }
        guard !values.isEmpty else { return requested }
        return values.first { requested <= $0 } ?? (requested == standard ? requested : nil)
    }
}
