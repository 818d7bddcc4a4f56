import APIModel
import Testing

@testable import CEL

struct ProgramTests {
    @Test func variables() throws {
        let environment = Environment.kubernetes.with([Variable("object", .dyn), Variable("request", .dyn), Variable("limit", .int)])
        let program = try environment.compile("object.spec.replicas <= limit")
        #expect(program.type == .bool)
        #expect(program.uses("object") && program.uses("limit") && !program.uses("request"))
        var variables: Variables = ["object": CELValue(["spec": ["replicas": 3]]), "limit": .int(3)]
        var budget = Budget()
        #expect(try program.evaluate(variables, budget: &budget).description == "true")
        variables["limit"] = .int(2)
        #expect(try program.evaluate(variables, budget: &budget).description == "false")
        variables["limit"] = nil
        let error = #expect(throws: EvaluationError.self) { try program.evaluate(variables, budget: &budget) }
        #expect(error?.message == "no such attribute(s): limit")
    }

    /// The name of a loop hides a variable of the same name, inside the loop only.
    @Test func scopes() {
        let environment = Environment.kubernetes.with([Variable("x", .int)])
        #expect(outcome("[1].map(x, x + 1)[0] + x", in: environment, ["x": .int(10)]) == "12")
        #expect(outcome("[1].map(y, .x + y)", in: environment, ["x": .int(10)]) == "[11]")
        #expect(outcome("[1].map(x, [2].map(x, x))", in: environment, ["x": .int(10)]) == "[[2]]")
    }

    @Test func bindings() {
        let environment = Environment.kubernetes.with([], libraries: [.bindings])
        #expect(outcome("cel.bind(x, 2, x * x)", in: environment) == "4")
        #expect(outcome("cel.bind(x, 1 / 0, true)", in: environment) == "true")
        #expect(outcome("cel.bind(x, 1 / 0, x == 1)", in: environment) == "error: division by zero")
        #expect(outcome("cel.bind(x, 2, x)") == "refused: 1:1: undeclared reference to 'cel' (in container '')")
    }

    /// A program keeps nothing of an evaluation: any number of tasks can use it.
    @Test func shared() async throws {
        let environment = Environment.kubernetes.with([Variable("n", .int)])
        let program = try environment.compile("[n, n + 1].map(x, x * 2).filter(x, string(x) != '').size() == 2 ? n : -n")
        await withTaskGroup { group in
            for task in 0..<4 {
                group.addTask {
                    for number in 0..<500 {
                        var budget = Budget()
                        let value = try? program.evaluate(["n": .int(Int64(task * 1000 + number))], budget: &budget)
                        #expect(value?.description == String(task * 1000 + number))
                    }
                }
            }
        }
    }

    /// What is not looked at is not made.
    @Test func lazyFields() throws {
        let fields = Fields()
        let environment = Environment.kubernetes.with([Variable("object", .dyn)])
        let value = CELValue.map(MapValue(fields))
        #expect(outcome("object.name == 'a' || object.broken == 1", in: environment, ["object": value]) == "true")
        #expect(outcome("object.broken == 1", in: environment, ["object": value]) == "error: broken")
        #expect(outcome("has(object.other)", in: environment, ["object": value]) == "false")
    }

    private struct Fields: LazyFields {
        var names: [String] { ["name", "broken"] }
        func field(_ name: String) throws(EvaluationError) -> CELValue? {
            switch name {
            case "name": .string("a")
            case "broken": throw EvaluationError("broken")
            default: nil
            }
        }
    }

    @Test func backToJSON() throws {
        let program = try Environment.kubernetes.compile(
            "{'i': dyn(1), 'u': dyn(2u), 'd': dyn(1.5), 's': dyn('x'), 'b': dyn(b'hi'), 'l': dyn([null]), 't': dyn(timestamp('2024-01-01T00:00:00Z')), 'w': dyn(duration('90s'))}"
        )
        var budget = Budget()
        #expect(
            try program.evaluate(budget: &budget).json() == [
                "i": 1, "u": 2, "d": 1.5, "s": "x", "b": "aGk=", "l": [.null], "t": "2024-01-01T00:00:00Z", "w": "90s",
            ])
    }
}
