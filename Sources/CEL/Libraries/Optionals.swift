private let k = CELType.parameter("K")
private let v = CELType.parameter("V")

extension Library {
    /// Values that may not be there: `a.?b`, `a[?i]`, `{?k: v}`.
    static let optionals = Library(
        "cel.lib.optional",
        [
            Function("optional.of", .global("optional_of", [v], .optional(v)) { a, _ throws(EvaluationError) in .optional(of: a[0]) }),
            Function(
                "optional.ofNonZeroValue",
                .global("optional_ofNonZeroValue", [v], .optional(v)) { a, _ throws(EvaluationError) in
                    a[0].isZero ? .none : .optional(of: a[0])
                }),
            Function("optional.none", .global("optional_none", [], .optional(v)) { _, _ throws(EvaluationError) in .none }),
            Function(
                "value",
                .method("optional_value", [.optional(v)], v) { a, _ throws(EvaluationError) in
                    guard let value = try a.optional(0).value else { throw EvaluationError("optional.none() dereference") }
                    return value
                }),
            Function(
                "hasValue",
                .method("optional_hasValue", [.optional(v)], .bool) { a, _ throws(EvaluationError) in .bool(try a.optional(0).value != nil)
                }),
            Function("or", .method("optional_or_optional", [.optional(v), .optional(v)], .optional(v))),
            Function("orValue", .method("optional_orValue_value", [.optional(v), v], v)),
            Function(Operator.optionalSelect, .global("select_optional_field", [.dyn, .string], .optional(v))),
            Function(
                Operator.optionalIndex, .global("list_optindex_optional_int", [.list(v), .int], .optional(v)),
                .global("optional_list_optindex_optional_int", [.optional(.list(v)), .int], .optional(v)),
                .global("map_optindex_optional_value", [.map(k, v), k], .optional(v)),
                .global("optional_map_optindex_optional_value", [.optional(.map(k, v)), k], .optional(v))),
            Function(
                Operator.index, .global("optional_list_index_int", [.optional(.list(v)), .int], .optional(v)),
                .global("optional_map_index_value", [.optional(.map(k, v)), k], .optional(v))),
            Function(
                "last",
                .method("list_last", [.list(v)], .optional(v)) { a, _ throws(EvaluationError) in
                    let list = try a.list(0)
                    return list.count == 0 ? .none : .optional(of: try list.element(list.count - 1))
                }),
            Function(
                "first",
                .method("list_first", [.list(v)], .optional(v)) { a, _ throws(EvaluationError) in
                    let list = try a.list(0)
                    return list.count == 0 ? .none : .optional(of: try list.element(0))
                }),
            Function("optional.unwrap", .global("optional_unwrap", [.list(.optional(v))], .list(v), unwrap)),
            Function("unwrapOpt", .method("optional_unwrapOpt", [.list(.optional(v))], .list(v), unwrap)),
        ],
        macros: [
            .method("optMap", 2) { builder, target, arguments throws(MacroError) in
                let body = try builder.bound(target!, arguments, "optMap")
                return try builder.ifPresent(target!, builder.call("optional.of", body))
            },
            .method("optFlatMap", 2) { builder, target, arguments throws(MacroError) in
                let body = try builder.bound(target!, arguments, "optFlatMap")
                return try builder.ifPresent(target!, body)
            },
        ],
        types: [.opaque("optional_type", [.dyn])])

    private static let unwrap: Overload.Implementation = { a, _ throws(EvaluationError) in
        var values: [CELValue] = []
        var elements = try a.list(0).elements()
        while let element = try elements.next() {
            guard case .optional(let optional) = element else { throw EvaluationError("value \(element.text) is not optional") }
            if let value = optional.value { values.append(value) }
        }
        return .list(ListValue(values))
    }
}

extension MacroBuilder {
    /// The expression with the name bound to the value of the optional.
    fileprivate mutating func bound(_ target: Expression, _ arguments: [Expression], _ macro: String) throws(MacroError) -> Expression {
        guard let name = arguments[0].identifier else { throw issue("\(macro)() variable name must be a simple identifier", arguments[0]) }
        return try bind(name, method("value", of: copy(target)), in: arguments[1])
    }

    fileprivate mutating func ifPresent(_ target: Expression, _ body: Expression) throws(MacroError) -> Expression {
        try call(Operator.conditional, method("hasValue", of: target), body, call("optional.none"))
    }
}
