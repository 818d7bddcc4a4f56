import APIModel
import Testing

@testable import CEL

struct CostTests {
    /// The least and the most that an expression is estimated to cost, and what it does cost.
    @Test(
        arguments: [
            ("1", 0, 0, 0),
            ("1 + 2 * 3", 2, 2, 2),
            ("self.name == 'web'", 3, 3, 3),
            ("self.text == 'hello'", 3, 3, 3),
            ("self.text.contains('ell')", 2, 314_575, 3),
            ("self.text + self.name", 4, 314_585, 5),
            ("self.name.startsWith(self.text)", 4, 314_577, 5),
            ("self.numbers.all(n, n > 0)", 3, 53, 18),
            ("self.numbers.exists(n, n > 2)", 3, 63, 12),
            ("self.numbers.map(n, n + 1)", 13, 153, 45),
            ("self.numbers.filter(n, n > 1)", 13, 163, 35),
            ("self.numbers.exists_one(n, n > 2)", 4, 44, 12),
            ("self.numbers == self.numbers", 5, 5, 5),
            ("self.tags.all(t, self.ports.exists(p, p.name == t))", 3, 168, 27),
            ("self.labels.all(k, self.labels[k] != '')", 3, 31, 9),
            ("self.labels == self.labels", 5, 5, 5),
            ("self.count > 1 || self.on", 3, 5, 3),
            ("self.on ? self.text : self.name", 4, 4, 3),
            ("has(self.text) && self.text != ''", 1, 3, 3),
            ("self.?text.orValue('')", 3, 3, 2),
            ("self.text.matches('^h.*o$')", 4, 629_148, 4),
            ("self.text.find('l+')", 3, 314_575, 3),
            ("self.text.split('l')", 2, 629_148, 3),
            ("self.numbers.sum()", 2, 12, 5),
            ("self.numbers.indexOf(2)", 2, 12, 5),
            ("self.numbers.isSorted()", 2, 12, 5),
            ("'a' in self.tags", 2, 7, 4),
            ("self.tags + self.tags", 5, 5, 5),
            ("self.name.replace('w', self.text)", 4, 20, 5),
            ("self.tags.join(',')", 2, 13, 3),
            ("sets.contains(self.tags, ['a'])", 13, 18, 5),
            ("'%s'.format([self.text])", 13, 13, 13),
            ("string(self.data)", 2, 314_575, 3),
            ("self.numbers.map(n, self.numbers.map(m, n * m))", 13, 1_763, 183),
            ("[1, 2, 3].all(x, x > 0)", 20, 26, 16),
            ("authorizer.path('/healthz').check('get').allowed()", 350_003, 350_003, 350_003),
        ] as [(String, UInt64, UInt64, UInt64)])
    func costs(text: String, min: UInt64, max: UInt64, actual: UInt64) throws {
        let program = try Example.environment.compile(text)
        #expect(program.cost == Estimate(min: min, max: max))
        var budget = Budget()
        _ = try program.evaluate(try Example.variables(), budget: &budget)
        #expect(budget.spent == actual)
    }

    @Test(
        arguments: [
            (10_000_000, nil), (10_000_001, "factor of 1.000000x"), (14_900_000, "factor of 1.490000x"), (25_000_000, "factor of 2.5x"),
            (1_000_000_000, "factor of 100.0x"), (1_000_000_001, "factor of more than 100x"), (.max, "factor of more than 100x"),
        ] as [(UInt64, String?)])
    func refusals(cost: UInt64, expected: String?) {
        let refusal = CostLimit.refusal(of: cost, limit: CostLimit.perExpression, what: "estimated rule cost")
        #expect(
            refusal
                == expected.map {
                    "estimated rule cost exceeds budget by \($0) (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where "
                        + "arrays, maps, and strings are declared)"
                })
    }

    /// Without bounds nested loops are too much for any rule; with them they are not.
    @Test(arguments: [("", true), ("10", false)]) func bounds(maxItems: String, isTooMuch: Bool) throws {
        var schema: Value = ["type": "array", "items": ["type": "array", "items": ["type": "string", "maxLength": 10]]]
        if let most = Int64(maxItems) {
            schema["maxItems"] = .int(most)
            schema["items"]["maxItems"] = .int(most)
        }
        let type = SchemaType(schema)
        let environment = Environment.kubernetes.with([Variable("self", type.declared!)])
        let program = try environment.compile("self.all(x, x.all(y, self.exists(z, z.exists(w, w == y))))")
        #expect((program.cost.max > CostLimit.perExpression) == isTooMuch)
    }

    @Test func endsWhenSpent() throws {
        let program = try Environment.kubernetes.compile("lists.range(1000).all(x, lists.range(1000).all(y, x + y >= 0))")
        var budget = Budget(limit: 10_000)
        let error = #expect(throws: EvaluationError.self) { try program.evaluate(budget: &budget) }
        #expect(error?.message == "operation cancelled: actual cost limit exceeded")
        #expect(budget.spent > 10_000 && budget.spent < 20_000)
    }

    /// What one evaluation spends is known to the next; each has the limit of its own.
    @Test func addsUp() throws {
        let program = try Environment.kubernetes.compile("dyn(1) + 1 == 2")
        var budget = Budget()
        _ = try program.evaluate(budget: &budget)
        let once = budget.spent
        _ = try program.evaluate(budget: &budget)
        #expect(once > 0 && budget.spent == 2 * once)
    }

    @Test func endsWhenCancelled() async throws {
        let program = try Environment.kubernetes.compile("lists.range(10000).all(x, lists.range(10000).all(y, x + y >= 0))")
        let task = Task.detached {
            while !Task.isCancelled { await Task.yield() }
            var budget = Budget(limit: .max)
            do throws(EvaluationError) { return try program.evaluate(budget: &budget).description } catch { return error.message }
        }
        task.cancel()
        #expect(await task.value == "operation interrupted")
    }
}
