import Testing

@testable import CEL

struct LiteralTests {
    @Test(arguments: [
        ("1", "1"), ("-1", "-1"), ("0x1F", "31"), ("-0x10", "-16"), ("1u", "1u"), ("0xFFu", "255u"), ("1.5", "1.5"), (".5", "0.5"),
        ("1e3", "1000.0"), ("-2.5e-1", "-0.25"), ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"), ("9223372036854775808", "refused: 1:1: invalid int literal"),
        ("18446744073709551615u", "18446744073709551615u"), ("18446744073709551616u", "refused: 1:1: invalid uint literal"),
        ("'a'", #""a""#), (#""a""#, #""a""#), ("'''a'b'''", #""a'b""#), (#""""a"b""""#, #""a\"b""#), (#"r'\n'"#, #""\\n""#),
        (#"R"\d""#, #""\\d""#), (#"'\n\t\\\'\"\a\b\f\r\v\?\`'"#, #""\n\t\\'\"\a\b\f\r\v?`""#),
        (#"'\x41\101\u00e9\U0001F600'"#, #""AAé😀""#), (#"'\400'"#, #"refused: 1:1: Syntax error: token recognition error at: ''\4'"#),
        (#"'\ud800'"#, "refused: 1:1: invalid unicode code point"), ("size(b'abc')", "3"), (#"b'\xff' == b'\377'"#, "true"),
        (#"b'é' == b'\xc3\xa9'"#, "true"), (#"br'\x' == b'\\x'"#, "true"),
        (#"rb'\n'"#, #"refused: 1:3: Syntax error: extraneous input ''\n'' expecting <EOF>"#), ("true", "true"), ("null", "null"),
        ("[1, 2]", "[1, 2]"), ("[]", "[]"), ("{}", "{}"), ("{'a': 1, 'b': 2}", #"{"a": 1, "b": 2}"#),
        ("{1: 2, true: 3}", "refused: 1:8: expected type 'int' but found 'bool'"), ("[1, 2,]", "[1, 2]"), ("{'a': 1,}", #"{"a": 1}"#),
        ("1 // a comment", "1"),
    ])
    func literals(text: String, expected: String) { #expect(outcome(text) == expected) }
}
