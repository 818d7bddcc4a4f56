import Testing

@testable import CEL

struct OptionalTests {
    /// Optional values
    @Test(arguments: [
        ("{'a': 1}.?a", "optional.of(1)"), ("{'a': 1}.?b", "optional.none()"), ("{'a': 1}.?b.orValue(5)", "5"),
        ("{'a': {'b': 1}}.?a.b", "optional.of(1)"), ("{'a': {'b': 1}}.?c.b", "optional.none()"),
        ("{'a': {'b': 1}}.?a.?c.hasValue()", "false"), ("[1, 2][?1]", "optional.of(2)"), ("[1, 2][?2]", "optional.none()"),
        ("[1, 2][?0].value()", "1"), ("[1, 2][?9].value()", "error: optional.none() dereference"),
        ("{'a': [1]}[?'a'][?0].orValue(0)", "1"), ("optional.none().or(optional.of(3))", "optional.of(3)"),
        ("optional.of(1).or(optional.of(1 / 0))", "optional.of(1)"), ("optional.ofNonZeroValue(0).hasValue()", "false"),
        ("optional.ofNonZeroValue('a').value()", #""a""#), ("optional.ofNonZeroValue([]).hasValue()", "false"),
        ("optional.of(2).optMap(x, x * 2)", "optional.of(4)"), ("optional.none().optMap(x, x)", "optional.none()"),
        ("optional.of(2).optFlatMap(x, optional.none())", "optional.none()"), ("[?optional.of(1), ?optional.none(), 2]", "[1, 2]"),
        ("{?'a': optional.of(1), ?'b': optional.none()}", #"{"a": 1}"#), ("optional.of(1) == optional.of(1)", "true"),
        ("optional.none() == optional.of(1)", "false"), ("has({'a': {'b': 1}}.?a.b)", "true"), ("[1, 2].first()", "optional.of(1)"),
        ("[].last()", "optional.none()"), ("[1, 2].last().value()", "2"),
        ("optional.unwrap([optional.of(1), optional.none()])", "[1]"), ("[optional.of(1), optional.none()].unwrapOpt()", "[1]"),
    ])
    func optionals(text: String, expected: String) { #expect(outcome(text) == expected) }
}
