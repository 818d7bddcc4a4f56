import Testing

@testable import CEL

struct CollectionTests {
    @Test(arguments: [
        ("[1, 2][0]", "1"), ("[1, 2][2]", "error: index out of bounds: 2"), ("[1, 2][-1]", "error: index out of bounds: -1"),
        ("[1, 2][dyn(1.0)]", "2"), ("[1, 2][dyn(1.5)]", "error: unsupported index value 1.5 in list"), ("[1, 2][dyn(1u)]", "2"),
        ("[1, 2][dyn('a')]", "error: unsupported index type 'string' in list"), ("{'a': 1}['a']", "1"), ("{'a': 1}.a", "1"),
        ("{'a': 1}.b", "error: no such key: b"), ("{1: 'x'}[dyn(1.0)]", #""x""#), ("{1u: 'x'}[dyn(1)]", #""x""#),
        ("{true: 'x'}[false]", "error: no such key: false"), ("{1: 'x'}[dyn(1.5)]", "error: no such key: 1.5"),
        ("dyn('a').b", "error: no such key: b"), ("dyn([1]).b", "error: unsupported index type 'string' in list"),
        ("dyn(1)[0]", "error: no such key: 0"), ("{'a': 1, 'a': 2}", #"{"a": 2}"#),
        ("{1: 1, dyn(1u): 2}", "refused: 1:11: expected type 'int' but found 'dyn'"), ("{dyn(1.5): 1}", "{1.5: 1}"),
    ])
    func access(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("size('añb')", "3"), ("size(b'añb')", "4"), ("size([1, 2])", "2"), ("size({'a': 1})", "1"), ("'😀'.size()", "1"),
        ("size(dyn(1))", "error: no such overload: size"),
    ])
    func sizes(text: String, expected: String) { #expect(outcome(text) == expected) }
}
