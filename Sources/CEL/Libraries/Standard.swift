private let a = CELType.parameter("A")
private let b = CELType.parameter("B")

extension Library {
    /// The language itself: operators, conversions, strings and times.
    static let standard = Library(
        "cel.lib.std",
        [logic, arithmetic, comparisons, containers, conversions, texts, StandardTimes.functions].flatMap { $0 },
        macros: Macro.standard,
        types: [
            .bool, .bytes, .double, .duration, .int, .list(.dyn), .map(.dyn, .dyn), .null, .string, .timestamp, .type(nil), .uint,
        ])

    // MARK: Logic

    private static let logic: [Function] = [
        Function(Operator.conditional, .global("conditional", [.bool, a, a], a)),
        Function(Operator.and, .global("logical_and", [.bool, .bool], .bool)),
        Function(Operator.or, .global("logical_or", [.bool, .bool], .bool)),
        Function(
            Operator.not,
            .global("logical_not", [.bool], .bool, isGuarded: false) { a, _ throws(EvaluationError) in .bool(!(try a.bool(0))) }),
        Function(Operator.notStrictlyFalse, .global("not_strictly_false", [.bool], .bool)),
        Function(Operator.equals, .global("equals", [a, a], .bool, cost: equality)),
        Function(Operator.notEquals, .global("not_equals", [a, a], .bool, cost: .comparing)),
    ]

    /// Objects of libraries are small, whatever their text.
    private static let equality = CallCost(CallCost.comparing.actual) { site in
        guard site.operands.count == 2, site.operands[0].type == site.operands[1].type else { return CallCost.comparing.estimate(site) }
        switch site.operands[0].type {
        case .ip, .cidr, .quantity, .semver, .authorizer, .pathCheck, .groupCheck, .resourceCheck, .decision:
            return CallEstimate(Estimate(1))
        case .namedFormat: return CallEstimate(Estimate(min: 1, max: 64) * CostUnit.traversal)
        case .url:
            let size = site.operands[1].computedSize
            return CallEstimate(Estimate(min: 1, max: size?.max ?? 1) * CostUnit.traversal)
        default: return CallCost.comparing.estimate(site)
        }
    }

    // MARK: Arithmetic

    private static func operation(
        _ name: String, _ operation: @escaping Arithmetic.Operation, _ overloads: [(String, CELType, CELType, CELType)]
    ) -> Function {
        Function(
            name,
            overloads.map { id, left, right, result in
                .global(id, [left, right], result, isGuarded: false) { a, evaluation throws(EvaluationError) in
                    try operation(a[0], a[1], evaluation)
                }
            })
    }

    private static let concatenation = CallCost {
        CallCost.roundedUp((Double($0[0].costSize) + Double($0[1].costSize)) * CostUnit.traversal)
    } _: { site in
        let size = site.size(0) + site.size(1)
        return CallEstimate(size * CostUnit.traversal, resultSize: size)
    }

    private static let listConcatenation = CallCost(.fixed(1)) { site in
        CallEstimate(Estimate(1), resultSize: site.size(0) + site.size(1))
    }

    private static let addition: Function = {
        let types: [(String, CELType, CELType, CELType, CallCost)] = [
            ("add_bytes", .bytes, .bytes, .bytes, concatenation.onlyIfKnown), ("add_double", .double, .double, .double, .one),
            ("add_duration_duration", .duration, .duration, .duration, .one),
            ("add_duration_timestamp", .duration, .timestamp, .timestamp, .one),
            ("add_timestamp_duration", .timestamp, .duration, .timestamp, .one), ("add_int64", .int, .int, .int, .one),
            ("add_list", .list(a), .list(a), .list(a), listConcatenation),
            ("add_string", .string, .string, .string, concatenation.onlyIfKnown),
            ("add_uint64", .uint, .uint, .uint, .one),
        ]
        return Function(
            Operator.add,
            types.map { id, left, right, result, cost in
                .global(id, [left, right], result, cost: cost, isGuarded: false) { a, evaluation throws(EvaluationError) in
                    try Arithmetic.add(a[0], a[1], evaluation)
                }
            })
    }()

    private static let arithmetic: [Function] = [
        addition,
        operation(
            Operator.subtract, Arithmetic.subtract,
            [
                ("subtract_double", .double, .double, .double), ("subtract_duration_duration", .duration, .duration, .duration),
                ("subtract_int64", .int, .int, .int), ("subtract_timestamp_duration", .timestamp, .duration, .timestamp),
                ("subtract_timestamp_timestamp", .timestamp, .timestamp, .duration), ("subtract_uint64", .uint, .uint, .uint),
            ]),
        operation(
            Operator.multiply, Arithmetic.multiply,
            [
                ("multiply_double", .double, .double, .double), ("multiply_int64", .int, .int, .int),
                ("multiply_uint64", .uint, .uint, .uint),
            ]),
        operation(
            Operator.divide, Arithmetic.divide,
            [("divide_double", .double, .double, .double), ("divide_int64", .int, .int, .int), ("divide_uint64", .uint, .uint, .uint)]),
        operation(Operator.modulo, Arithmetic.modulo, [("modulo_int64", .int, .int, .int), ("modulo_uint64", .uint, .uint, .uint)]),
        Function(
            Operator.negate,
            [("negate_double", CELType.double), ("negate_int64", .int)].map { id, type in
                .global(id, [type], type, isGuarded: false) { a, _ throws(EvaluationError) in try Arithmetic.negate(a[0]) }
            }),
    ]

    // MARK: Comparisons

    private static let comparisons: [Function] = [
        comparison(Operator.less, "less") { $0 < 0 }, comparison(Operator.lessEquals, "less_equals") { $0 <= 0 },
        comparison(Operator.greater, "greater") { $0 > 0 }, comparison(Operator.greaterEquals, "greater_equals") { $0 >= 0 },
    ]

    private static func comparison(_ name: String, _ prefix: String, _ test: @escaping @Sendable (Int) -> Bool) -> Function {
        let types: [(String, CELType, CELType)] = [
            ("bool", .bool, .bool), ("int64", .int, .int), ("int64_double", .int, .double), ("int64_uint64", .int, .uint),
            ("uint64", .uint, .uint), ("uint64_double", .uint, .double), ("uint64_int64", .uint, .int), ("double", .double, .double),
            ("double_int64", .double, .int), ("double_uint64", .double, .uint), ("string", .string, .string), ("bytes", .bytes, .bytes),
            ("timestamp", .timestamp, .timestamp), ("duration", .duration, .duration),
        ]
        return Function(
            name,
            types.map { suffix, left, right in
                let cost: CallCost = left == .string || left == .bytes ? CallCost.comparing.onlyIfKnown : .one
                return .global("\(prefix)_\(suffix)", [left, right], .bool, cost: cost, isGuarded: false) { a, _ throws(EvaluationError) in
                    .bool(test(try Evaluation.compare(a[0], a[1], in: name)))
                }
            })
    }

    // MARK: Lists and maps

    private static let inList = CallCost {
        $0[1].costSize
    } _: {
        CallEstimate($0.size(1))
    }

    private static let `in`: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        switch a[1] {
        case .list(let list): return .bool(try evaluation.contains(list, a[0]))
        case .map(let map): return .bool(try map.find(a[0]) != nil)
        default: throw .noSuchOverload
        }
    }

    private static let size: Overload.Implementation = { a, _ throws(EvaluationError) in
        switch a[0] {
        case .string(let text): .int(Int64(text.scalarCount))
        case .bytes(let bytes): .int(Int64(bytes.count))
        case .list(let list): .int(Int64(list.count))
        case .map(let map): .int(Int64(map.count))
        default: throw .noSuchOverload("size")
        }
    }

    private static let containers: [Function] = [
        Function(Operator.index, .global("index_list", [.list(a), .int], a), .global("index_map", [.map(a, b), a], b)),
        Function(
            Operator.in, .global("in_list", [a, .list(a)], .bool, cost: inList.onlyIfKnown, isGuarded: false, `in`),
            .global("in_map", [a, .map(a, b)], .bool, isGuarded: false, `in`)),
        Function(
            "size",
            [("bytes", CELType.bytes), ("list", .list(a)), ("map", .map(a, b)), ("string", .string)].flatMap { name, type -> [Overload] in
                [
                    .global("size_\(name)", [type], .int, isGuarded: false, size),
                    .method("\(name)_size", [type], .int, isGuarded: false, size),
                ]
            }),
    ]

    // MARK: Conversions

    private static func conversion(
        _ name: String, _ result: CELType, _ convert: @escaping @Sendable (CELValue) throws(EvaluationError) -> CELValue,
        _ overloads: [(String, CELType, CallCost)]
    ) -> Function {
        Function(
            name,
            overloads.map { id, type, cost in
                .global(id, [type], result, cost: cost.onlyIfKnown) { a, _ throws(EvaluationError) in try convert(a[0]) }
            })
    }

    private static let toBytes = CallCost(CallCost.traversing().actual) { site in
        let size = site.size(0)
        return CallEstimate(size * CostUnit.traversal, resultSize: Estimate(min: size.min, max: size.max &* 4))
    }
    private static let fromBytes = CallCost(CallCost.traversing().actual) { site in
        let size = site.size(0)
        return CallEstimate(size * CostUnit.traversal, resultSize: Estimate(min: size.min / 4, max: size.max))
    }

    private static let conversions: [Function] = [
        Function(
            "type", .global("type", [a], .type(a), isGuarded: false) { a, _ throws(EvaluationError) in .type(a[0].typeName) }),
        Function("dyn", .global("to_dyn", [a], .dyn, isGuarded: false) { a, _ throws(EvaluationError) in a[0] }),
        conversion("bool", .bool, Conversion.bool, [("bool_to_bool", .bool, .one), ("string_to_bool", .string, .one)]),
        conversion("bytes", .bytes, Conversion.bytes, [("bytes_to_bytes", .bytes, .one), ("string_to_bytes", .string, toBytes)]),
        conversion(
            "double", .double, Conversion.double,
            [
                ("double_to_double", .double, .one), ("int64_to_double", .int, .one), ("string_to_double", .string, .one),
                ("uint64_to_double", .uint, .one),
            ]),
        conversion(
            "duration", .duration, Conversion.duration,
            [("duration_to_duration", .duration, .one), ("int64_to_duration", .int, .one), ("string_to_duration", .string, .one)]),
        conversion(
            "int", .int, Conversion.int,
            [
                ("int64_to_int64", .int, .one), ("double_to_int64", .double, .one), ("duration_to_int64", .duration, .one),
                ("string_to_int64", .string, .one), ("timestamp_to_int64", .timestamp, .one), ("uint64_to_int64", .uint, .one),
            ]),
        conversion(
            "string", .string, Conversion.string,
            [
                ("string_to_string", .string, .one), ("bool_to_string", .bool, .one), ("bytes_to_string", .bytes, fromBytes),
                ("double_to_string", .double, .one), ("duration_to_string", .duration, .one), ("int64_to_string", .int, .one),
                ("timestamp_to_string", .timestamp, .one), ("uint64_to_string", .uint, .one),
            ]),
        conversion(
            "timestamp", .timestamp, Conversion.timestamp,
            [
                ("timestamp_to_timestamp", .timestamp, .one), ("int64_to_timestamp", .int, .one), ("string_to_timestamp", .string, .one),
            ]),
        conversion(
            "uint", .uint, Conversion.uint,
            [
                ("uint64_to_uint64", .uint, .one), ("double_to_uint64", .double, .one), ("int64_to_uint64", .int, .one),
                ("string_to_uint64", .string, .one),
            ]),
    ]

    // MARK: Strings

    /// As upstream, the estimate goes by the length of the affix and the truth by that of the text.
    private static let affix = CallCost(CallCost.traversing().actual) { CallEstimate($0.size(1) * CostUnit.traversal) }

    private static let contains = CallCost {
        Estimate.saturatingMultiply(
            CallCost.roundedUp(Double($0[0].costSize) * CostUnit.traversal), CallCost.roundedUp(Double($0[1].costSize) * CostUnit.traversal)
        )
    } _: {
        CallEstimate(($0.size(0) * CostUnit.traversal) * ($0.size(1) * CostUnit.traversal))
    }

    private static let texts: [Function] = [
        Function(
            "contains",
            .method("contains_string", [.string, .string], .bool, cost: contains, isGuarded: false) { a, _ throws(EvaluationError) in
                .bool(BytesSearch.first(try a.string(1).utf8, in: try a.string(0).utf8) != nil)
            }),
        Function(
            "endsWith",
            .method("ends_with_string", [.string, .string], .bool, cost: affix, isGuarded: false) { a, _ throws(EvaluationError) in
                .bool(try a.string(0).utf8.reversed().starts(with: try a.string(1).utf8.reversed()))
            }),
        Function(
            "startsWith",
            .method("starts_with_string", [.string, .string], .bool, cost: affix, isGuarded: false) { a, _ throws(EvaluationError) in
                .bool(try a.string(0).utf8.starts(with: try a.string(1).utf8))
            }),
        Function(
            "matches",
            .global("matches", [.string, .string], .bool, isGuarded: false, preparation: preparedMatch, match),
            .method(
                "matches_string", [.string, .string], .bool, cost: CallCost.matching(hasResult: false).onlyIfKnown, isGuarded: false,
                preparation: preparedMatch, match)),
    ]

    private static let match: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        let text = try a.string(0)
        let expression = try RegularExpression(of: a[1], evaluation)
        return .bool(try evaluation.matching { expression.matches(text, &$0) })
    }

    private static let preparedMatch = Overload.Preparation { pattern throws(EvaluationError) in
        let expression = try RegularExpression(of: pattern)
        return { a, evaluation throws(EvaluationError) in
            let text = try a.string(0)
            return .bool(try evaluation.matching { expression.matches(text, &$0) })
        }
    }
}

extension RegularExpression {
    /// The pattern that a value is.
    init(of value: CELValue) throws(EvaluationError) {
        guard case .string(let pattern) = value else { throw .noSuchOverload }
        do throws(PatternError) { try self.init(pattern) } catch { throw EvaluationError(error.description) }
    }

    /// The same while evaluating, which has to do with how long it takes.
    init(of value: CELValue, _ evaluation: Evaluation) throws(EvaluationError) {
        try self.init(of: value)
        let steps = UInt64(size) * 10
        try evaluation.matching { $0.steps = steps }
    }
}

/// Where bytes occur in others.
enum BytesSearch {
    /// The offset of the first occurrence at or after `start`.
    static func first(_ needle: String.UTF8View, in text: String.UTF8View, from start: Int = 0) -> Int? {
        let needle = Array(needle)
        let text = Array(text)
        guard let head = needle.first else { return start }
        guard text.count >= needle.count else { return nil }
        var index = start
        while index <= text.count - needle.count {
            if text[index] == head, text[index..<index + needle.count].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }
}
