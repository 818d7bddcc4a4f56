extension Library {
    /// What a pattern finds in a text.
    static let regex = Library(
        "kubernetes.regex",
        [
            Function(
                "find",
                .method("string_find_string", [.string, .string], .string, cost: .matching(hasResult: true), preparation: preparedFind) {
                    a, evaluation throws(EvaluationError) in
                    let text = try a.string(0)
                    return try find(try illegal(a[1], evaluation), text, evaluation)
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

    private static func illegal(_ pattern: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> RegularExpression {
        do throws(EvaluationError) { return try RegularExpression(of: pattern, evaluation) } catch {
            throw error == .noSuchOverload || error.isFinal ? error : EvaluationError("Illegal regex: \(error.message)")
        }
    }

    private static func find(
        _ expression: RegularExpression, _ text: String, _ evaluation: Evaluation
    ) throws(EvaluationError) -> CELValue {
        .string(try evaluation.matching { expression.firstMatch(in: text, &$0) }.map(String.init) ?? "")
    }

    private static func findAll(
        _ expression: RegularExpression, _ a: Arguments, _ evaluation: Evaluation
    ) throws(EvaluationError) -> CELValue {
        let limit = a.count > 2 ? try a.int(2) : -1
        let text = try a.string(0)
        let matches = try evaluation.matching { expression.allMatches(in: text, limit: limit < 0 ? nil : Int(limit), &$0) }
        return .list(ListValue(matches.map { .string(String($0)) }))
    }

    private static let findAll: Overload.Implementation = { a, evaluation throws(EvaluationError) in
        try findAll(try illegal(a[1], evaluation), a, evaluation)
    }

    private static let preparedFind = Overload.Preparation { pattern throws(EvaluationError) in
        let expression = try RegularExpression(of: pattern)
        return { a, evaluation throws(EvaluationError) in try find(expression, try a.string(0), evaluation) }
    }

    private static let preparedFindAll = Overload.Preparation { pattern throws(EvaluationError) in
        let expression = try RegularExpression(of: pattern)
        return { a, evaluation throws(EvaluationError) in try findAll(expression, a, evaluation) }
    }
}
