private let a = CELType.parameter("A")

extension CELType {
    /// The types whose values have an order, with the names that overloads have for them.
    static let comparable: [(name: String, type: CELType)] = [
        ("int", .int), ("uint", .uint), ("double", .double), ("bool", .bool), ("duration", .duration), ("timestamp", .timestamp),
        ("string", .string), ("bytes", .bytes),
    ]
}

extension Library {
    /// Order, sums and places in lists.
    static let lists = Library(
        "kubernetes.lists",
        [
            Function(
                "isSorted",
                CELType.comparable.map { name, type in
                    .method("list_\(name)_is_sorted_bool", [.list(type)], .bool, cost: visiting) { a, _ throws(EvaluationError) in
                        var elements = try a.list(0).elements()
                        guard var previous = try elements.next() else { return .bool(true) }
                        while let next = try elements.next() {
                            if try Evaluation.compare(previous, next, in: "isSorted") > 0 { return .bool(false) }
                            previous = next
                        }
                        return .bool(true)
                    }
                }),
            Function(
                "sum",
                [
                    ("int", CELType.int, CELValue.int(0)), ("uint", .uint, .uint(0)), ("double", .double, .double(0)),
                    ("duration", .duration, .duration(DurationValue(nanoseconds: 0))),
                ].map { name, type, zero in
                    .method("list_\(name)_sum_\(name)", [.list(type)], type, cost: visiting) { a, evaluation throws(EvaluationError) in
                        var sum = zero
                        var elements = try a.list(0).elements()
                        while let next = try elements.next() { sum = try Arithmetic.add(sum, next, evaluation) }
                        return sum
                    }
                }),
            extreme("max", sign: -1), extreme("min", sign: 1),
            Function(
                "indexOf",
                .method("list_a_index_of_int", [.list(a), a], .int, cost: visiting) { a, evaluation throws(EvaluationError) in
                    .int(try places(of: a[1], in: try a.list(0), evaluation, isFirst: true))
                }),
            Function(
                "lastIndexOf",
                .method("list_a_last_index_of_int", [.list(a), a], .int, cost: visiting) { a, evaluation throws(EvaluationError) in
                    .int(try places(of: a[1], in: try a.list(0), evaluation, isFirst: false))
                }),
        ])

    /// The first or the last place of an element, -1 where there is none.
    private static func places(
        of value: CELValue, in list: ListValue, _ evaluation: Evaluation, isFirst: Bool
    ) throws(EvaluationError) -> Int64 {
        var found: Int64 = -1
        var index: Int64 = 0
        var elements = list.elements()
        while let element = try elements.next() {
            if try evaluation.attempt({ () throws(EvaluationError) in try evaluation.areEqual(element, value) }) ?? false {
                if isFirst { return index }
                found = index
            }
            index += 1
        }
        return found
    }

    private static func extreme(_ name: String, sign: Int) -> Function {
        Function(
            name,
            CELType.comparable.map { typeName, type in
                .method("list_\(typeName)_\(name)_\(typeName)", [.list(type)], type, cost: visiting) { a, _ throws(EvaluationError) in
                    var elements = try a.list(0).elements()
                    guard var result = try elements.next() else { throw EvaluationError("\(name) called on empty list") }
                    while let next = try elements.next() {
                        if try Evaluation.compare(result, next, in: name).signum() == sign { result = next }
                    }
                    return result
                }
            })
    }

    /// Looking at each element once, and for text reading it. A text is its own only element.
    static let visiting = CallCost(
        .arguments { a, limit throws(EvaluationError) in
            var cost: UInt64 = 0
            try traversal(a[0], limit, &cost)
            return cost
        }
    ) { site in
        guard let element = site.elements(of: 0) else { return CallEstimate(site.size(0) * CostUnit.traversal) }
        var cost = Estimate(1)
        if element.type == .string || element.type == .bytes { cost += site.size(of: element) * CostUnit.traversal }
        return CallEstimate(site.size(0) * cost)
    }

    /// What it costs to go through all of a value, or some number above `limit`.
    private static func traversal(_ value: CELValue, _ limit: UInt64, _ cost: inout UInt64) throws(EvaluationError) {
        if cost > limit { return }
        switch value {
        case .string(let text): cost += UInt64(Double(text.utf8.count) * CostUnit.traversal)
        case .bytes(let bytes): cost += UInt64(Double(bytes.count) * CostUnit.traversal)
        case .list(let list):
            // Elements of no cost still take time.
            if list.count / 10 > limit {
                cost = .max
                return
            }
            var elements = list.elements()
            while let element = try elements.next() { try traversal(element, limit, &cost) }
        case .map(let map):
            for key in map.keys() {
                try traversal(key, limit, &cost)
                try traversal(try map.find(key) ?? .null, limit, &cost)
            }
        default: cost += 1
        }
    }
}
