import Testing

@testable import CEL

struct CheckerTests {
    @Test(arguments: [
        ("x", "refused: 1:1: undeclared reference to 'x' (in container '')"),
        ("x.y.z", "refused: 1:1: undeclared reference to 'x' (in container '')"),
        ("f(1)", "refused: 1:2: undeclared reference to 'f' (in container '')"),
        ("'a'.f()", "refused: 1:6: undeclared reference to 'f' (in container '')"),
        (".x", "refused: 1:2: undeclared reference to '.x' (in container '')"),
        ("a.b.c(1)", "refused: 1:1: undeclared reference to 'a' (in container '')"),
        ("[x, y]", "refused: 1:2: undeclared reference to 'x' (in container '')"),
        ("self2.a == 1", "refused: 1:1: undeclared reference to 'self2' (in container '')"),
    ])
    func undeclared(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1 + 'a'", "refused: 1:3: found no matching overload for '_+_' applied to '(int, string)'"),
        ("!1", "refused: 1:1: found no matching overload for '!_' applied to '(int)'"),
        ("-'a'", "refused: 1:1: found no matching overload for '-_' applied to '(string)'"),
        ("-1u", "refused: 1:1: found no matching overload for '-_' applied to '(uint)'"),
        ("1 == 'a'", "refused: 1:3: found no matching overload for '_==_' applied to '(int, string)'"),
        ("1 && true", "refused: 1:1: expected type 'bool' but found 'int'"),
        ("'a' < 1", "refused: 1:5: found no matching overload for '_<_' applied to '(string, int)'"),
        ("[1] + ['a']", "refused: 1:5: found no matching overload for '_+_' applied to '(list(int), list(string))'"),
        ("[1, 'a']", "refused: 1:5: expected type 'int' but found 'string'"),
        ("{'a': 1, 2: 'b'}", "refused: 1:10: expected type 'string' but found 'int'"),
        ("{'a': 1, 'b': 'c'}", "refused: 1:15: expected type 'int' but found 'string'"),
        ("1 ? 2 : 3", "refused: 1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'"),
        ("true ? 1 : 'a'", "refused: 1:6: found no matching overload for '_?_:_' applied to '(bool, int, string)'"),
        ("'a'.startsWith(1)", "refused: 1:15: found no matching overload for 'startsWith' applied to 'string.(int)'"),
        ("size(1)", "refused: 1:5: found no matching overload for 'size' applied to '(int)'"),
        ("'a'.size(1)", "refused: 1:9: found no matching overload for 'size' applied to 'string.(int)'"),
        ("1 in 'a'", "refused: 1:3: found no matching overload for '@in' applied to '(int, string)'"),
        ("'a' in [1]", "refused: 1:5: found no matching overload for '@in' applied to '(string, list(int))'"),
        ("[1]['a']", "refused: 1:4: found no matching overload for '_[_]' applied to '(list(int), string)'"),
        ("{'a': 1}[1]", "refused: 1:9: found no matching overload for '_[_]' applied to '(map(string, int), int)'"),
        ("'a'[0]", "refused: 1:4: found no matching overload for '_[_]' applied to '(string, int)'"),
        ("(1).a", "refused: 1:4: type 'int' does not support field selection"),
        ("'a'.b", "refused: 1:4: type 'string' does not support field selection"),
        ("[1].a", "refused: 1:4: type 'list(int)' does not support field selection"),
        ("1.0 % 2.0", "refused: 1:5: found no matching overload for '_%_' applied to '(double, double)'"),
        ("timestamp('2024-01-01T00:00:00Z') + 1", "refused: 1:35: found no matching overload for '_+_' applied to '(timestamp, int)'"),
        ("duration('1s') * 2", "refused: 1:16: found no matching overload for '_*_' applied to '(duration, int)'"),
        ("[1].all(x, x)", "refused: 1:12: expected type 'bool' but found 'int'"),
        ("[1].all(x, 'a')", "refused: 1:12: expected type 'bool' but found 'string'"),
        ("(5).all(x, true)", "refused: 1:2: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)"),
        (
            "'a'.all(x, true)",
            "refused: 1:1: expression of type 'string' cannot be range of a comprehension (must be list, map, or dynamic)"
        ),
        ("[1].exists_one(x, 1)", "refused: 1:15: found no matching overload for '_?_:_' applied to '(int, int, int)'"),
        ("[1].map(x, 1, x)", "refused: 1:8: found no matching overload for '_?_:_' applied to '(int, list(int), list(int))'"),
        ("[1].filter(x, 'a')", "refused: 1:11: found no matching overload for '_?_:_' applied to '(string, list(int), list(int))'"),
        ("optional.of(1) + 1", "refused: 1:16: found no matching overload for '_+_' applied to '(optional_type(int), int)'"),
        ("optional.of('a').orValue(1)", "refused: 1:25: found no matching overload for 'orValue' applied to 'optional_type(string).(int)'"),
        ("{'a': 1}.?a + 1", "refused: 1:13: found no matching overload for '_+_' applied to '(optional_type(int), int)'"),
        ("(1).?a", "refused: 1:4: type 'int' does not support field selection"),
        ("[1][?'a']", "refused: 1:4: found no matching overload for '_[?_]' applied to '(list(int), string)'"),
    ])
    func overloads(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("has(1)", "refused: 1:5: invalid argument to has() macro"), ("has(a)", "refused: 1:5: invalid argument to has() macro"),
        ("has({}['a'])", "refused: 1:7: invalid argument to has() macro"),
        ("[1].all(1, true)", "refused: 1:9: argument must be a simple name"),
        ("[1].all(x.y, true)", "refused: 1:10: argument must be a simple name"),
        ("[1].exists(1, true)", "refused: 1:12: argument must be a simple name"),
        ("[1].map(1, 2)", "refused: 1:9: argument is not an identifier"),
        ("[1].filter('x', true)", "refused: 1:12: argument is not an identifier"),
        ("[1].all(x, x, x)", "refused: 1:12: duplicate variable name: x"),
        ("[1].map(x)", "refused: 1:8: undeclared reference to 'map' (in container '')"),
        ("[1].all(__result__, true)", "refused: 1:9: iteration variable overwrites accumulator variable"),
        ("[1].all(i, i, true)", "refused: 1:12: duplicate variable name: i"),
        ("[1].transformList(1, v, v)", "refused: 1:19: argument must be a simple name"),
        (
            "[1].transformMapEntry(k, v, 1)",
            "refused: 1:22: found no matching overload for 'cel.@mapInsert' applied to '(map(dyn, dyn), int)'"
        ),
        ("optional.of(1).optMap(1, 2)", "refused: 1:23: optMap() variable name must be a simple identifier"),
        (
            "optional.of(1).optFlatMap(x, 1)",
            "refused: 1:26: found no matching overload for '_?_:_' applied to '(bool, int, optional_type(dyn))'"
        ),
        ("all(x, true)", "refused: 1:4: undeclared reference to 'all' (in container '')"),
    ])
    func macros(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1", "int"), ("1u", "uint"), ("1.5", "double"), ("'a'", "string"), ("b'a'", "bytes"), ("true", "bool"), ("null", "null_type"),
        ("[1]", "list(int)"), ("[[1]]", "list(list(int))"), ("[]", "list(dyn)"), ("{}", "map(dyn, dyn)"),
        ("{'a': 1}", "map(string, int)"), ("{'a': {1: true}}", "map(string, map(int, bool))"), ("dyn(1)", "dyn"), ("int", "type(int)"),
        ("type(1)", "type(int)"), ("duration('1s')", "google.protobuf.Duration"),
        ("timestamp('2024-01-01T00:00:00Z')", "google.protobuf.Timestamp"), ("optional.of(1)", "optional_type(int)"),
        ("optional.none()", "optional_type(dyn)"), ("[1].map(x, string(x))", "list(string)"), ("{'a': 1}.map(k, k)", "list(string)"),
        ("true ? null : duration('1s')", "null_type"), ("[1].transformMap(i, v, v)", "map(int, int)"),
        ("{'a': 1}.?a", "optional_type(int)"), ("[optional.of(1)].unwrapOpt()", "list(int)"), ("url('https://a')", "kubernetes.URL"),
        ("ip('1.2.3.4')", "net.IP"), ("cidr('1.2.3.4/8')", "net.CIDR"), ("quantity('1')", "kubernetes.Quantity"),
        ("semver('1.0.0')", "kubernetes.Semver"), ("format.date()", "kubernetes.NamedFormat"), ("[1, 2].min()", "int"),
        ("[1].first()", "optional_type(int)"), ("'a,b'.split(',')", "list(string)"), ("'a'.find('a')", "string"),
        ("1 == 1 ? [1] : []", "list(int)"), ("dyn(1) + 1", "int"), ("dyn([1])[0]", "dyn"), ("dyn({}).a.b", "dyn"),
        ("[3].sortBy(x, x)", "list(int)"), ("[[1]].flatten()", "list(int)"),
    ])
    func types(text: String, expected: String) throws { #expect(try Environment.kubernetes.compile(text).type.description == expected) }
}
