import Testing

@testable import CEL

struct ListLibraryTests {
    @Test(arguments: [
        ("[1, 2, 2].isSorted()", "true"), ("['b', 'a'].isSorted()", "false"), ("[].isSorted()", "true"), ("[1, 2, 3].sum()", "6"),
        ("[1.5, 2.5].sum()", "4.0"), ("[duration('1m'), duration('1s')].sum()", #"duration("61s")"#),
        ("[9223372036854775807, 1].sum()", "error: integer overflow"), ("[3, 1, 2].min()", "1"), ("['b', 'c'].max()", #""c""#),
        ("[].max()", "error: max called on empty list"), ("[1, 2, 1].indexOf(1)", "0"), ("[1, 2, 1].lastIndexOf(1)", "2"),
        ("[1].indexOf(5)", "-1"), ("[1, 2, 3, 4].slice(1, 3)", "[2, 3]"),
        ("[1, 2].slice(1, 5)", "error: cannot slice(1, 5), list is length 2"),
        ("[1, 2].slice(2, 1)", "error: cannot slice(2, 1), start index must be less than or equal to end index"),
        ("[1, 2].slice(-1, 1)", "error: cannot slice(-1, 1), negative indexes not supported"),
        ("[1, [2, [3]]].flatten()", "refused: 1:5: expected type 'int' but found 'list(dyn)'"),
        ("[1, [2, [3]]].flatten(2)", "refused: 1:5: expected type 'int' but found 'list(dyn)'"), ("[3, 1, 2].sort()", "[1, 2, 3]"),
        ("['b', 'a'].sortBy(x, x)", #"["a", "b"]"#), ("[3, 1, 2].sortBy(x, -x)", "[3, 2, 1]"), ("[1, 2, 2, 1].distinct()", "[1, 2]"),
        ("[1, 2, 3].reverse()", "[3, 2, 1]"), ("lists.range(4)", "[0, 1, 2, 3]"), ("lists.range(-1)", "[]"),
        ("[dyn(1), 'a'].sort()", "refused: 1:10: expected type 'dyn' but found 'string'"),
    ])
    func lists(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("sets.contains([1, 2, 3], [2, 3])", "true"), ("sets.contains([1], [1, 2])", "false"), ("sets.contains([1], [])", "true"),
        ("sets.contains([dyn(1)], [1.0])", "true"), ("sets.intersects([1, 2], [2, 3])", "true"),
        ("sets.intersects([1], [2])", "false"), ("sets.intersects([], [1])", "false"), ("sets.equivalent([1, 2, 2], [2, 1])", "true"),
        ("sets.equivalent([1], [1, 2])", "false"), ("sets.equivalent([], [])", "true"),
    ])
    func sets(text: String, expected: String) { #expect(outcome(text) == expected) }
}
