import Testing

@testable import CEL

struct LogicTests {
    /// A term that decides hides what went wrong in the other.
    @Test(arguments: [
        ("true || 1 / 0 > 0", "true"), ("1 / 0 > 0 || true", "true"), ("false && 1 / 0 > 0", "false"), ("1 / 0 > 0 && false", "false"),
        ("dyn(1) || true", "true"), ("true || dyn('a')", "true"), ("dyn(1) && false", "false"),
        ("[1][5] == 1 || {'a': 1}.b == 1 || true", "true"),
    ])
    func decidedByOneTerm(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("false || 1 / 0 > 0", "error: division by zero"), ("1 / 0 > 0 || false", "error: division by zero"),
        ("true && 1 / 0 > 0", "error: division by zero"), ("1 / 0 > 0 && true", "error: division by zero"),
        ("1 / 0 > 0 || [1][5] == 1", "error: division by zero"), ("[1][5] == 1 && 1 / 0 > 0", "error: index out of bounds: 5"),
        ("dyn(1) || false", "error: no such overload"), ("true && dyn('a')", "error: no such overload"),
        ("!dyn(1)", "error: no such overload"),
    ])
    func undecided(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("true ? 1 : 1 / 0", "1"), ("false ? 1 / 0 : 2", "2"), ("1 / 0 > 0 ? 1 : 2", "error: division by zero"),
        ("dyn(1) ? 1 : 2", "error: no such overload"), ("false ? 1 : false ? 2 : 3", "3"),
    ])
    func conditional(text: String, expected: String) { #expect(outcome(text) == expected) }
}
