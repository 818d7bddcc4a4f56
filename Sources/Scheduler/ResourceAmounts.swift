internal import APIModel
internal import OrderedCollections

/// Amounts of resources: those with a fixed column by column, all others by name.
struct ResourceAmounts {
    var fixed = SIMD4<Int64>()
    var others: [(name: String, amount: Int64)] = []

    static let fixedNames = ["cpu", "memory", "ephemeral-storage", "pods"]

    init(_ amounts: [String: Int64]) {
        for (name, amount) in amounts {
            if let column = Self.fixedNames.firstIndex(of: name) { fixed[column] = amount } else { others.append((name, amount)) }
        }
    }

    /// `name: quantity` fields as amounts: thousandths for cpu, whole units for everything else, cut to
    /// `PodRequests.most` either way. What is not a quantity, which the API never stores, is left out.
    static func read(_ quantities: Value) -> [String: Int64] {
        var amounts: [String: Int64] = [:]
        for (name, text) in quantities.quantityTexts {
            guard let quantity = try? Quantity(text) else { continue }
            let amount = (name == "cpu" ? quantity.milliValue : quantity.value).int64
            amounts[name] = min(max(amount, -PodRequests.most), PodRequests.most)
        }
        return amounts
    }
}

extension Value {
    /// Quantities may be written as numbers.
    fileprivate var quantityTexts: [(String, String)] {
        fields.compactMap { name, value in (value.string ?? value.int.map(String.init)).map { (name, $0) } }
    }
}
