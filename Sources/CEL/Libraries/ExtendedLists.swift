private let t = CELType.parameter("T")

extension Library {
    /// Lists made of other lists: sorted, reversed, cut, flattened.
    static let extendedLists = Library(
        "cel.lib.ext.lists",
        [
            Function(
                "slice",
                .method("list_slice", [.list(t), .int, .int], .list(t), cost: slicing) { a, _ throws(EvaluationError) in
                    try slice(try a.list(0), try a.int(1), try a.int(2))
                }),
            Function(
                "flatten",
                .method("list_flatten", [.list(.list(t))], .list(t), cost: flattening, isGuarded: false) {
                    a, evaluation throws(EvaluationError) in
                    .list(ListValue(try flatten(try a.list(0), 1, evaluation)))
                },
                .method("list_flatten_int", [.list(.dyn), .int], .list(.dyn), cost: flattening, isGuarded: false) {
                    a, evaluation throws(EvaluationError) in
                    let depth = try a.int(1)
                    if depth < 0 { throw EvaluationError("level must be non-negative") }
                    return .list(ListValue(try flatten(try a.list(0), depth, evaluation)))
                }),
            Function(
                "sort",
                CELType.comparable.map { name, type in
                    .method("list_\(type.runtimeName)_sort", [.list(type)], .list(type), cost: sorting(type, keys: 0), isGuarded: false) {
                        a, _ throws(EvaluationError) in
                        let list = try a.list(0)
                        return try sort(list, by: list)
                    }
                }),
            Function(
                "@sortByAssociatedKeys",
                CELType.comparable.map { name, type in
                    .method(
                        "list_\(type.runtimeName)_sortByAssociatedKeys", [.list(t), .list(type)], .list(t), cost: sorting(type, keys: 1),
                        isGuarded: false
                    ) { a, _ throws(EvaluationError) in try sort(try a.list(0), by: try a.list(1)) }
                }),
            Function(
                "lists.range",
                .global("lists_range", [.int], .list(.int), cost: ranging) { a, _ throws(EvaluationError) in
                    .list(ListValue((0..<max(try a.int(0), 0)).map(CELValue.int)))
                }),
            Function(
                "reverse",
                .method("list_reverse", [.list(t)], .list(t), cost: reversing) { a, _ throws(EvaluationError) in
                    .list(ListValue(try a.list(0).values().reversed()))
                }),
            Function(
                "distinct",
                .method("list_distinct", [.list(t)], .list(t), cost: distinguishing) { a, evaluation throws(EvaluationError) in
                    .list(ListValue(try distinct(try a.list(0), evaluation)))
                }),
        ],
        macros: [
            .method("sortBy", 2) { builder, target, arguments throws(MacroError) in
                let input = "@__sortBy_input__"
                let keys = try Macro.collect(&builder, builder.identifier(input), arguments[0], filter: nil, arguments[1])
                let sorted = try builder.method("@sortByAssociatedKeys", of: builder.identifier(input), keys)
                return try builder.bind(input, target!, in: sorted)
            }
        ])

    // MARK: What they do

    private static func slice(_ list: ListValue, _ start: Int64, _ end: Int64) throws(EvaluationError) -> CELValue {
        func fail(_ problem: String) -> EvaluationError { EvaluationError("cannot slice(\(start), \(end)), \(problem)") }
        if start < 0 || end < 0 { throw fail("negative indexes not supported") }
        if start > end { throw fail("start index must be less than or equal to end index") }
        if end > list.count { throw fail("list is length \(list.count)") }
        var values: [CELValue] = []
        for index in Int(start)..<Int(end) { values.append(try list.element(index)) }
        return .list(ListValue(values))
    }

    private static func flatten(_ list: ListValue, _ depth: Int64, _ evaluation: Evaluation) throws(EvaluationError) -> [CELValue] {
        var result: [CELValue] = []
        var elements = list.elements()
        while let element = try elements.next() {
            try evaluation.step()
            if depth > 0, case .list(let inner) = element {
                result += try flatten(inner, depth - 1, evaluation)
            } else {
                result.append(element)
            }
        }
        return result
    }

    private static func sort(_ list: ListValue, by keys: ListValue) throws(EvaluationError) -> CELValue {
        guard list.count == keys.count else {
            throw EvaluationError(
                "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got \(list.count) and "
                    + "\(keys.count) elements respectively")
        }
        let keys = try keys.values()
        guard let first = keys.first else { return .list(list) }
        guard first.isComparable else { throw EvaluationError("list elements must be comparable") }
        guard keys.allSatisfy({ $0.typeName == first.typeName }) else { throw EvaluationError("list elements must have the same type") }
        let values = try list.values()
        // What has no order, as a number that is none, stays where it is.
        let order = keys.indices.sorted { one, other in
            let order = (try? Evaluation.compare(keys[one], keys[other], in: "sort")) ?? 0
            return order < 0 || (order == 0 && one < other)
        }
        return .list(ListValue(order.map { values[$0] }))
    }

    private static func distinct(_ list: ListValue, _ evaluation: Evaluation) throws(EvaluationError) -> [CELValue] {
        var result: [CELValue] = []
        var seen: Set<ScalarKey> = []
        var others: [CELValue] = []
        var elements = list.elements()
        while let element = try elements.next() {
            if let key = ScalarKey(element) {
                // No number that is none equals another.
                var isNew = seen.insert(key).inserted
                if case .double(let double) = element, double.isNaN { isNew = true }
                if isNew { result.append(element) }
            } else if !(try evaluation.contains(ListValue(others), element)) {
                others.append(element)
                result.append(element)
            }
        }
        return result
    }

    // MARK: What they cost

    /// The call, a list, and some work for each of `size` elements.
    private static func allocating(_ factor: Double, _ size: Estimate) -> CallEstimate {
        CallEstimate(size * factor + Estimate(1) + CostUnit.list, resultSize: size)
    }
    private static func allocating(_ factor: Double, _ size: UInt64) -> UInt64 {
        let work = Double(size) * factor
        return Estimate.saturatingAdd(work >= 0x1p64 ? .max : UInt64(max(work, 0)), 11)
    }

    private static func number(_ node: CostNode?, else other: UInt64) -> UInt64 {
        if case .int(let int)? = node?.literal { UInt64(max(int, 0)) } else { other }
    }

    private static let slicing = CallCost { a in
        guard case .int(let start) = a[1], case .int(let end) = a[2], start >= 0, end >= start else { return 11 }
        return allocating(1, min(UInt64(end - start), a[0].costSize))
    } _: { site in
        let start = number(site.operands[1], else: 0)
        let end = number(site.operands[2], else: site.size(0).max)
        return allocating(1, Estimate(end &- start))
    }

    private static let ranging = CallCost { a in
        if case .int(let count) = a[0] { allocating(1, UInt64(max(count, 0))) } else { 11 }
    } _: {
        allocating(1, Estimate(number($0.operands[0], else: .max)))
    }

    private static let reversing = CallCost {
        allocating(1, $0[0].costSize)
    } _: {
        allocating(1, $0.size(0))
    }

    private static let flattening = CallCost { a in
        if a.count > 1, case .int(let depth) = a[1] { allocating(Double(depth), a[0].costSize) } else { allocating(1, a[0].costSize) }
    } _: { site in
        let depth = site.operands.count > 1 ? number(site.operands[1], else: .max) : 1
        return allocating(Double(depth), site.size(0))
    }

    private static let distinguishing = CallCost { a in
        comparingAll(a[0])
    } _: { site in
        allocating(2, site.size(0) * site.size(0))
    }

    private static func sorting(_ type: CELType, keys: Int) -> CallCost {
        CallCost {
            comparingAll($0[keys])
        } _: { site in
            let factor = type == .string || type == .bytes ? 2 + CostUnit.traversal : 2
            return allocating(factor, site.size(keys) * site.size(keys))
        }
    }

    /// Comparing every element of a list with every other.
    private static func comparingAll(_ value: CELValue) -> UInt64 {
        guard case .list(let list) = value else { return 11 }
        let size = UInt64(list.count)
        var factor = 2.0
        if size > 0, let first = try? list.element(0) {
            switch first {
            case .string, .bytes: factor += CostUnit.traversal
            default: break
            }
        }
        return allocating(factor, Estimate.saturatingMultiply(size, size))
    }
}
