extension Library {
    /// What a pattern finds in a text.
    static let regex = Library(
        "kubernetes.regex",
        [
            Function(
                "find",
                .method("string_find_string", [.string, .string], .string, cost: .matching(hasResult: true), preparation: preparedFind) {
                    a, _ throws(EvaluationError) in
                    let text = try a.string(0)
                    return find(try illegal(a[1]), text)
                }),
            Function(
                "findAll",
                .method(
                    "string_find_all_string", [.string, .string], .listOfStrings, cost: .matching(hasResult: true),
                    preparation: preparedFindAll,
                    findAll),
                .method(
                    "string_find_all_string_int", [.string, .string, .int], .listOfStrings, cost: .matching(hasResult: true),
                    preparation: preparedFindAll, findAll)),
        ])

    private static func illegal(_ pattern: CELValue) throws(EvaluationError) -> RegularExpression {
        do throws(EvaluationError) { return try RegularExpression(of: pattern) } catch {
            throw error == .noSuchOverload ? error : EvaluationError("Illegal regex: \(error.message)")
        }
    }

    private static func find(_ expression: RegularExpression, _ text: String) -> CELValue {
        .string(expression.firstMatch(in: text).map(String.init) ?? "")
    }

    private static func findAll(_ expression: RegularExpression, _ a: Arguments) throws(EvaluationError) -> CELValue {
        let limit = a.count > 2 ? try a.int(2) : -1
        let matches = expression.allMatches(in: try a.string(0), limit: limit < 0 ? nil : Int(limit))
        return .list(ListValue(matches.map { .string(String($0)) }))
    }

    private static let findAll: Overload.Implementation = { a, _ throws(EvaluationError) in try findAll(try illegal(a[1]), a) }

    private static let preparedFind = Overload.Preparation { pattern throws(EvaluationError) in
        let expression = try RegularExpression(of: pattern)
        return { a, _ throws(EvaluationError) in find(expression, try a.string(0)) }
    }

    private static let preparedFindAll = Overload.Preparation { pattern throws(EvaluationError) in
        let expression = try RegularExpression(of: pattern)
        return { a, _ throws(EvaluationError) in try findAll(expression, a) }
    }
}
