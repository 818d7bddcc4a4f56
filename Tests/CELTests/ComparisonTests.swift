import Testing

@testable import CEL

struct ComparisonTests {
    /// Numbers of different types are equal by their value.
    @Test(arguments: [
        ("1 == 1", "true"), ("dyn(1) == 1u", "true"), ("dyn(1) == 1.0", "true"), ("dyn(1u) == 1.5", "false"),
        ("dyn(1) == 'a'", "false"), ("dyn(9007199254740993) == 9007199254740992.0", "true"),
        ("1 == 1u", "refused: 1:3: found no matching overload for '_==_' applied to '(int, uint)'"), ("[1, 2] == [1, 2]", "true"),
        ("[dyn(1)] == [1.0]", "true"), ("{'a': 1} == {'a': 1}", "true"), ("{'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"),
        ("{'a': 1} == {'a': 2}", "false"), ("null == null", "true"), ("dyn(null) == 1", "false"), ("'a' == 'a'", "true"),
        ("'é' == 'é'", "true"), ("b'a' == b'a'", "true"), ("type(1) == int", "true"), ("type(type(1)) == type", "true"),
        ("type('a') != type(b'a')", "true"), ("timestamp('2024-01-01T00:00:00Z') == timestamp('2024-01-01T01:00:00+01:00')", "true"),
        ("duration('60s') == duration('1m')", "true"), ("[1] != [2]", "true"),
    ])
    func equality(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1 < 2", "true"), ("2 <= 2", "true"), ("3 > 4", "false"), ("4 >= 4", "true"), ("1 < 2u", "true"), ("1 < 2.5", "true"),
        ("2u >= 2.0", "true"), ("dyn(-1) < 1u", "true"), ("dyn(1.5) < 2", "true"), ("'a' < 'b'", "true"), ("'Z' < 'a'", "true"),
        (#"'\U00010000' > '\uffff'"#, "true"), ("b'a' < b'b'", "true"), ("false < true", "true"),
        ("duration('1s') < duration('2s')", "true"), ("timestamp('2024-01-01T00:00:00Z') < timestamp('2024-01-01T00:00:01Z')", "true"),
        ("double('NaN') < 1.0", "error: NaN values cannot be ordered"), ("double('NaN') > 1.0", "error: NaN values cannot be ordered"),
        ("9223372036854775807 < 9223372036854775808.0", "false"), ("dyn('a') < 1", "error: no such overload"),
        ("dyn([1]) < [2]", "refused: 1:10: found no matching overload for '_<_' applied to '(dyn, list(int))'"),
    ])
    func order(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1 in [1, 2]", "true"), ("3 in [1, 2]", "false"), ("dyn(1.0) in [1, 2]", "true"), ("'a' in {'a': 1}", "true"),
        ("dyn(1u) in {1: 'a'}", "true"), ("'b' in {'a': 1}", "false"), ("1 in dyn(5)", "error: no such overload"),
        ("[1] in [[1], [2]]", "true"),
    ])
    func membership(text: String, expected: String) { #expect(outcome(text) == expected) }
}
