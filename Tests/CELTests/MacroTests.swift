import Testing

@testable import CEL

struct MacroTests {
    /// The loops of macros follow the same rule.
    @Test(arguments: [
        ("[1, 0].all(x, 1 / x > 5)", "false"), ("[0, 1].all(x, 1 / x > 5)", "false"),
        ("[0, 1].all(x, 1 / x > 0)", "error: division by zero"), ("[].all(x, x > 0)", "true"), ("[0, 1].exists(x, 1 / x > 0)", "true"),
        ("[0, 2].exists(x, 1 / x > 0)", "error: division by zero"), ("[].exists(x, x > 0)", "false"),
        ("[1, 2, 1].exists_one(x, x == 1)", "false"), ("[1, 2].exists_one(x, x == 1)", "true"),
        ("[0, 1].exists_one(x, 1 / x > 0)", "error: division by zero"), ("{'a': 1, 'b': 2}.all(k, k < 'c')", "true"),
        ("{'a': 1, 'b': 2}.exists(k, k == 'b')", "true"), ("[1, 2].all(x, [3, 4].exists(y, x + y == 5))", "true"),
        ("[[1, 2], [3]].all(x, x.exists(y, y < 4))", "true"),
    ])
    func quantifiers(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("[1, 2, 3].map(x, x * 2)", "[2, 4, 6]"), ("[1, 2, 3].map(x, x > 1, x * 2)", "[4, 6]"),
        ("[1, 2, 3].filter(x, x % 2 == 1)", "[1, 3]"), ("{'a': 1}.map(k, k + k)", #"["aa"]"#), ("[].map(x, x)", "[]"),
        ("[0, 1].map(x, 1 / x)", "error: division by zero"), ("[1, 2].map(x, [x].map(y, x + y))", "[[2], [4]]"),
        ("[1, 2].map(x, x > 0, [3].map(x, x))", "[[3], [3]]"),
    ])
    func transformers(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("has({'a': 1}.a)", "true"), ("has({'a': 1}.b)", "false"), ("has({'a': {'b': null}}.a.b)", "true"),
        ("has({'a': 1}.b.c)", "refused: 1:4: type 'int' does not support field selection"), ("has(dyn(1).a)", "false"),
        ("has(dyn([]).a)", "error: unsupported index type 'string' in list"), ("!has({}.a) || {}.a == 1", "true"),
    ])
    func presence(text: String, expected: String) { #expect(outcome(text) == expected) }

    /// Two names: a list gives place and element, a map key and value.
    @Test(arguments: [
        ("[1, 2].all(i, v, v == i + 1)", "true"), ("[1, 2].exists(i, v, i == 1 && v == 2)", "true"),
        ("[1, 2].existsOne(i, v, v > i)", "false"), ("{'a': 1, 'b': 2}.all(k, v, v > 0)", "true"),
        ("{'a': 1, 'b': 2}.exists(k, v, k == 'b' && v == 2)", "true"), ("[1, 2].transformList(i, v, i * v)", "[0, 2]"),
        ("[1, 2].transformList(i, v, v > 1, i * v)", "[2]"), ("{'a': 1}.transformList(k, v, k)", #"["a"]"#),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v + 1)", #"{"a": 2, "b": 3}"#),
        ("{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v + 1)", #"{"b": 3}"#),
        ("{'a': 'x', 'b': 'y'}.transformMapEntry(k, v, {v: k})", #"{"x": "a", "y": "b"}"#),
        ("{'a': 'x', 'b': 'x'}.transformMapEntry(k, v, {v: k})", "error: insert failed: key x already exists"),
        ("[5, 6].transformMap(i, v, v)", "{0: 5, 1: 6}"),
    ])
    func twoVariables(text: String, expected: String) { #expect(outcome(text) == expected) }
}
