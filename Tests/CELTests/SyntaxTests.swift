import Testing

@testable import CEL

struct SyntaxTests {
    /// What an expression may begin with.
    static let start = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

    @Test(arguments: [
        ("1 +", "refused: 1:4: Syntax error: mismatched input '<EOF>' expecting \(start)"),
        ("(1 + 2", "refused: 1:7: Syntax error: missing ')' at '<EOF>'"),
        ("[1, 2", "refused: 1:6: Syntax error: mismatched input '<EOF>' expecting {']', ','}"),
        ("{'a': 1", "refused: 1:8: Syntax error: mismatched input '<EOF>' expecting {'}', ','}"),
        ("f(1, 2", "refused: 1:7: Syntax error: missing ')' at '<EOF>'"),
        ("f(1, 2]", "refused: 1:7: Syntax error: mismatched input ']' expecting ')'"),
        ("f(g(1", "refused: 1:6: Syntax error: mismatched input '<EOF>' expecting ')'"),
        ("[1,", "refused: 1:4: Syntax error: missing ']' at '<EOF>'"),
        ("a.", "refused: 1:3: Syntax error: no viable alternative at input '.'"),
        ("a.b.1", "refused: 1:4: Syntax error: extraneous input '.1' expecting <EOF>"),
        ("a.?1", "refused: 1:4: Syntax error: mismatched input '1' expecting {IDENTIFIER, ESC_IDENTIFIER}"),
        ("1 2", "refused: 1:3: Syntax error: extraneous input '2' expecting <EOF>"),
        ("1 + + 2", "refused: 1:5: Syntax error: extraneous input '+' expecting \(start)"),
        ("a ? b", "refused: 1:6: Syntax error: mismatched input '<EOF>' expecting ':'"),
        ("a ? b :", "refused: 1:8: Syntax error: mismatched input '<EOF>' expecting \(start)"),
        ("'abc", "refused: 1:1: Syntax error: token recognition error at: ''abc'"),
        (#""a\q""#, #"refused: 1:1: Syntax error: token recognition error at: '"a\q'"#),
        ("'''abc", "refused: 1:3: Syntax error: token recognition error at: ''abc'"),
        (#"b'\u0041'"#, "refused: 1:1: unable to unescape string"),
        (#"'\xZ'"#, #"refused: 1:1: Syntax error: token recognition error at: ''\xZ'"#),
        ("1e", "refused: 1:2: Syntax error: extraneous input 'e' expecting <EOF>"),
        ("0xG", "refused: 1:2: Syntax error: extraneous input 'xG' expecting <EOF>"),
        ("@", "refused: 1:1: Syntax error: token recognition error at: '@'"),
        ("#a", "refused: 1:1: Syntax error: token recognition error at: '#'"),
        ("a && || b", "refused: 1:6: Syntax error: extraneous input '||' expecting \(start)"),
        ("a = b", "refused: 1:3: Syntax error: token recognition error at: '= '"), ("if", "refused: 1:1: reserved identifier: if"),
        (
            "true.a(",
            "refused: 1:8: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', ')', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
        ),
        ("for(1)", "refused: 1:1: reserved identifier: for"), ("a.`b`", "refused: 1:3: unsupported syntax: '`'"),
        ("in", "refused: 1:1: Syntax error: mismatched input 'in' expecting \(start)"),
        ("!", "refused: 1:2: Syntax error: extraneous input '<EOF>' expecting \(start)"),
        ("-)", "refused: 1:2: Syntax error: no viable alternative at input '-)'"),
        ("-!a", "refused: 1:2: Syntax error: no viable alternative at input '-!'"),
        ("{1}", "refused: 1:3: Syntax error: mismatched input '}' expecting ':'"),
        ("{1: 2: 3}", "refused: 1:6: Syntax error: mismatched input ':' expecting {'}', ','}"),
        ("A{1: 2}", "refused: 1:3: Syntax error: mismatched input '1' expecting {'}', ',', '?', IDENTIFIER, ESC_IDENTIFIER}"),
        ("[?]", "refused: 1:3: Syntax error: mismatched input ']' expecting \(start)"),
        ("{?}", "refused: 1:3: Syntax error: mismatched input '}' expecting \(start)"),
        (
            "a[]",
            "refused: 1:3: Syntax error: mismatched input ']' expecting {'[', '{', '(', '.', '-', '!', '?', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"
        ),
        (")", "refused: 1:1: Syntax error: mismatched input ')' expecting \(start)"),
        ("a'b'", "refused: 1:2: Syntax error: extraneous input ''b'' expecting <EOF>"),
        ("9223372036854775808", "refused: 1:1: invalid int literal"),
    ])
    func mistakes(text: String, expected: String) { #expect(outcome(text) == expected) }

    /// A message points at its place; what stands before it may be wide.
    @Test func carets() throws {
        #expect(refusal("1 +\n  x") == "ERROR: <input>:2:3: undeclared reference to 'x' (in container '')\n |   x\n | ..^")
        #expect(refusal("'é' + x") == "ERROR: <input>:1:7: undeclared reference to 'x' (in container '')\n | 'é' + x\n | .．....^")
        #expect(
            refusal("x + y") == """
                ERROR: <input>:1:1: undeclared reference to 'x' (in container '')
                 | x + y
                 | ^
                ERROR: <input>:1:5: undeclared reference to 'y' (in container '')
                 | x + y
                 | ....^
                """)
    }

    @Test func bounds() {
        let nested = { (depth: Int) in String(repeating: "(", count: depth) + "1" + String(repeating: ")", count: depth) }
        #expect(refusal(nested(200)) == nil)
        #expect(refusal(nested(300))?.contains("expression recursion limit exceeded: 250") == true)
        #expect(refusal("1" + String(repeating: " + 1", count: 300))?.contains("max recursion depth exceeded") == true)
        #expect(refusal(String(repeating: "a", count: 100_001))?.contains("expression code point size exceeds limit: size: 100001") == true)
        #expect(refusal("true" + String(repeating: " || true", count: 5_000)) == nil)
    }

    private func refusal(_ text: String) -> String? {
        do throws(CompilationError) {
            _ = try Environment.kubernetes.compile(text)
            return nil
        } catch { return error.message }
    }
}
