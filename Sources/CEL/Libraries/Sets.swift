private let list = CELType.list(.parameter("T"))

extension Library {
    /// Lists as sets.
    static let sets = Library(
        "cel.lib.ext.sets",
        [
            Function(
                "sets.contains",
                .global("list_sets_contains_list", [list, list], .bool, cost: cost(1)) { a, evaluation throws(EvaluationError) in
                    .bool(try contains(try a.list(0), try a.list(1), evaluation))
                }),
            Function(
                "sets.equivalent",
                .global("list_sets_equivalent_list", [list, list], .bool, cost: cost(2)) { a, evaluation throws(EvaluationError) in
                    let (one, other) = (try a.list(0), try a.list(1))
                    guard try contains(one, other, evaluation) else { return .bool(false) }
                    return .bool(try contains(other, one, evaluation))
                }),
            Function(
                "sets.intersects",
                .global("list_sets_intersects_list", [list, list], .bool, cost: cost(1)) { a, evaluation throws(EvaluationError) in
                    let other = try a.list(1)
                    var elements = try a.list(0).elements()
                    while let element = try elements.next() { if try evaluation.contains(other, element) { return .bool(true) } }
                    return .bool(false)
                }),
        ])

    private static func contains(_ list: ListValue, _ part: ListValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        var elements = part.elements()
        while let element = try elements.next() { if !(try evaluation.contains(list, element)) { return false } }
        return true
    }

    /// Comparing every element of one list with every element of the other.
    private static func cost(_ factor: Double) -> CallCost {
        CallCost { a in
            let pairs = Double(Estimate.saturatingMultiply(a[0].costSize, a[1].costSize)) * factor
            return Estimate.saturatingAdd(1, pairs >= 0x1p64 ? .max : UInt64(pairs))
        } _: {
            CallEstimate(($0.size(0) * $0.size(1)) * factor + Estimate(1))
        }
    }
}
