extension Environment {
    /// Whether an expression reads the field of a variable by its name: `claims.email`, `has(claims.email)`, `claims.?email`.
    ///
    /// - Parameter variable: `nil` for the field of anything.
    public func selects(_ field: String, of variable: String? = nil, in text: String) -> Bool {
        Parser.parse(SourceText(text), macros: macros).tree.selects(field, of: variable)
    }
}

extension Expression {
    fileprivate func selects(_ field: String, of variable: String?) -> Bool {
        switch kind {
        case .select(let operand, field, isTest: _) where variable == nil || operand.identifier == variable: return true
        case .call(let call)
        where call.function == Operator.optionalSelect && (variable == nil || call.operands.first?.identifier == variable):
            if case .string(field)? = call.operands.last?.literal { return true }
        default: break
        }
        return parts.contains { $0.selects(field, of: variable) }
    }

    /// The expressions that this one is made of.
    private var parts: [Expression] {
        switch kind {
        case .literal, .identifier, .missing: []
        case .select(let operand, field: _, isTest: _): [operand]
        case .call(let call): call.operands
        case .list(let elements, optional: _): elements
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .structure(name: _, let fields): fields.map(\.value)
        case .comprehension(let loop): [loop.range, loop.initial, loop.condition, loop.step, loop.result]
        }
    }
}
