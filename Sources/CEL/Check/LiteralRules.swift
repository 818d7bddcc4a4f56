/// What can be said of literals before an expression is ever evaluated.
///
/// Durations, times and patterns must be good ones, the elements of a list of one type, and a format string must fit its arguments.
enum LiteralRules {
    static func check(_ checked: CheckedExpression, in environment: Environment, _ issues: inout Issues) {
        visit(checked.tree, isInFormat: false, checked, environment, &issues)
    }

    private static let functions: Set<String> = ["duration", "timestamp", "matches"]

    private static func visit(
        _ expression: Expression, isInFormat: Bool, _ checked: CheckedExpression, _ environment: Environment, _ issues: inout Issues
    ) {
        var isInFormat = isInFormat
        switch expression.kind {
        case .call(let call):
            if functions.contains(call.function), let argument = call.arguments.first, let literal = argument.literal,
                !isGood(literal, for: call.function, checked.overloads(of: expression))
            {
                issues.report("invalid \(call.function) argument", at: argument.offset)
            }
            if call.function == FormatString.function {
                FormatString.check(expression, call, checked, &issues)
                isInFormat = true
            }
        case .list(let elements, let optional) where !isInFormat && !environment.mixesLiterals:
            let types = elements.enumerated().map { index, element in
                let type = checked.type(of: element)
                return (optional.contains(index) ? type.unwrapped ?? type : type, element.offset)
            }
            if let odd = types.first(where: { $0.0 != types[0].0 }) { mismatch(types[0].0, odd.0, odd.1, &issues) }
        case .map(let entries) where !isInFormat && !environment.mixesLiterals: check(entries, checked, &issues)
        default: break
        }
        for child in expression.children { visit(child, isInFormat: isInFormat, checked, environment, &issues) }
    }

    private static func check(_ entries: [MapEntry], _ checked: CheckedExpression, _ issues: inout Issues) {
        guard let first = entries.first else { return }
        let value = { (entry: MapEntry) in
            let type = checked.type(of: entry.value)
            return entry.isOptional ? type.unwrapped ?? type : type
        }
        let (keyType, valueType) = (checked.type(of: first.key), value(first))
        for entry in entries.dropFirst() {
            if checked.type(of: entry.key) != keyType { mismatch(keyType, checked.type(of: entry.key), entry.key.offset, &issues) }
            if value(entry) != valueType { mismatch(valueType, value(entry), entry.value.offset, &issues) }
        }
    }

    private static func mismatch(_ expected: CELType, _ found: CELType, _ offset: Int, _ issues: inout Issues) {
        issues.report("expected type '\(expected.label)' but found '\(found.label)'", at: offset)
    }

    private static func isGood(_ literal: CELValue, for function: String, _ overloads: [Overload]) -> Bool {
        if function == "matches" {
            guard case .string(let pattern) = literal else { return true }
            return (try? RegularExpression(pattern)) != nil
        }
        guard overloads.count == 1, let implementation = overloads[0].implementation else { return true }
        let evaluation = Evaluation(inputs: [], localCount: 0, limit: .max)
        return (try? implementation(Arguments(literal), evaluation)) != nil
    }
}

extension Expression {
    /// The nodes right below.
    var children: [Expression] {
        switch kind {
        case .literal, .identifier, .missing: []
        case .select(let operand, _, _): [operand]
        case .call(let call): call.operands
        case .list(let elements, _): elements
        case .map(let entries): entries.flatMap { [$0.key, $0.value] }
        case .structure(_, let fields): fields.map(\.value)
        case .comprehension(let comprehension):
            [comprehension.range, comprehension.initial, comprehension.condition, comprehension.step, comprehension.result]
        }
    }
}
