private let map = CELType.map(.parameter("K"), .parameter("V"))

extension Library {
    /// Loops over lists with their indexes and over maps with their values: `list.all(i, v, …)`, `map.transformList(k, v, …)`.
    static let twoVariableComprehensions = Library(
        "cel.lib.ext.comprev2",
        [
            // The planner has its own nodes for what these are in.
            Function(
                Operator.mapInsert, .global("@mapInsert_map_key_value", [map, .parameter("K"), .parameter("V")], map),
                .global("@mapInsert_map_map", [map, map], map))
        ],
        macros: [
            .method("all", 3) { builder, target, arguments throws(MacroError) in
                let (first, second) = try builder.variables(arguments)
                return try builder.quantifier(.all, target!, first, second, arguments[2])
            },
            .method("exists", 3) { builder, target, arguments throws(MacroError) in
                let (first, second) = try builder.variables(arguments)
                return try builder.quantifier(.exists, target!, first, second, arguments[2])
            },
            .method("existsOne", 3) { builder, target, arguments throws(MacroError) in
                let (first, second) = try builder.variables(arguments)
                return try builder.existsOne(target!, first, second, arguments[2])
            },
            .method("exists_one", 3) { builder, target, arguments throws(MacroError) in
                let (first, second) = try builder.variables(arguments)
                return try builder.existsOne(target!, first, second, arguments[2])
            },
        ]
            + transforms("transformList", .list) { builder, _, transform throws(MacroError) in
                try builder.call(Operator.add, builder.accumulator(), builder.list(transform))
            }
            + transforms("transformMap", .map) { builder, key, transform throws(MacroError) in
                try builder.call(Operator.mapInsert, builder.accumulator(), builder.identifier(key), transform)
            }
            + transforms("transformMapEntry", .map) { builder, _, transform throws(MacroError) in
                try builder.call(Operator.mapInsert, builder.accumulator(), transform)
            })

    /// A macro with a transformation, and one with a filter before it.
    private static func transforms(
        _ name: String, _ form: Comprehension.Form,
        _ step: @escaping @Sendable (inout MacroBuilder, String, Expression) throws(MacroError) -> Expression
    ) -> [Macro] {
        [3, 4].map { count in
            .method(name, count) { builder, target, arguments throws(MacroError) in
                let (first, second) = try builder.variables(arguments)
                let filter = count == 4 ? arguments[2] : nil
                return try builder.fold(form, target!, first, second, filter: filter) { builder throws(MacroError) in
                    try step(&builder, first, arguments[count - 1])
                }
            }
        }
    }
}

extension MacroBuilder {
    fileprivate func variables(_ arguments: [Expression]) throws(MacroError) -> (String, String) {
        let complaint = "argument must be a simple name"
        for argument in arguments.prefix(2) where argument.identifier == nil { throw issue(complaint, argument) }
        if arguments[0].identifier == arguments[1].identifier {
            throw issue("duplicate variable name: \(arguments[0].identifier ?? "")", arguments[1])
        }
        return (try variable(arguments[0], complaint), try variable(arguments[1], complaint))
    }
}
