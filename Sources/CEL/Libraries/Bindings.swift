extension Library {
    /// `cel.bind(name, value, expression)`, which selectors of devices have.
    public static let bindings = Library(
        "cel.lib.ext.cel.bindings", [],
        macros: [
            .method("bind", 3) { builder, target, arguments throws(MacroError) in
                guard target?.identifier == "cel" else { return nil }
                guard let name = arguments[0].identifier else {
                    throw builder.issue("cel.bind() variable names must be simple identifiers", arguments[0])
                }
                return try builder.bind(name, arguments[1], in: arguments[2])
            }
        ])
}
