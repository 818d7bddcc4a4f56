internal import OrderedCollections

/// Amounts by the name of the resource: `{"cpu": "500m", "pods": "3"}`.
public struct ResourceList: Sendable, Equatable {
    public var amounts: [String: Quantity]

    public init(_ amounts: [String: Quantity] = [:]) { self.amounts = amounts }

    /// Reads a field of an object; what is no amount is left out.
    public init(_ value: Value) {
        amounts = value.fields.reduce(into: [:]) { amounts, field in
            if let quantity = Quantity(of: field.value) { amounts[field.key] = quantity }
        }
    }

    public subscript(name: String) -> Quantity? {
        get { amounts[name] }
        set { amounts[name] = newValue }
    }

    public var isEmpty: Bool { amounts.isEmpty }
    /// In alphabetical order.
    public var names: [String] { amounts.keys.sorted() }

    public static func + (left: ResourceList, right: ResourceList) -> ResourceList {
        ResourceList(left.amounts.merging(right.amounts, uniquingKeysWith: +))
    }

    /// What is missing on the left counts as nothing, so amounts may come out below zero.
    public static func - (left: ResourceList, right: ResourceList) -> ResourceList { left + right.negated }

    public static func += (left: inout ResourceList, right: ResourceList) { left = left + right }

    public var negated: ResourceList { ResourceList(amounts.mapValues { .zero - $0 }) }

    /// The larger amount of each resource.
    public func max(_ other: ResourceList) -> ResourceList {
        ResourceList(amounts.merging(other.amounts, uniquingKeysWith: Swift.max))
    }

    /// With no amount below zero.
    public var notNegative: ResourceList { ResourceList(amounts.mapValues { $0.signum < 0 ? .zero : $0 }) }

    public func filter(_ isIncluded: (_ name: String, _ amount: Quantity) -> Bool) -> ResourceList {
        ResourceList(amounts.filter { isIncluded($0.key, $0.value) })
    }

    /// As a field of an object.
    public var value: Value {
        .object(Value.Fields(uniqueKeysWithValues: names.map { ($0, .string(amounts[$0, default: .zero].description)) }))
    }

    /// As messages say it: `cpu=1,pods=2`.
    public var text: String { names.map { "\($0)=\(amounts[$0, default: .zero])" }.joined(separator: ",") }
}

extension Quantity {
    /// What a field holds, `nil` where it is no quantity.
    public init?(of value: Value) {
        switch value {
        case .string(let text):
            guard let quantity = try? Quantity(text) else { return nil }
            self = quantity
        case .int(let int): self.init(value: int)
        default: return nil
        }
    }
}
