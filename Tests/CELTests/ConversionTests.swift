import Testing

@testable import CEL

struct ConversionTests {
    @Test(arguments: [
        ("int('42')", "42"), ("int('-0')", "0"), ("int('4 2')", "error: program: type conversion error from 'string' to 'int'"),
        ("int('0x10')", "error: program: type conversion error from 'string' to 'int'"), ("int(42u)", "42"), ("int(1.9)", "1"),
        ("int(-1.9)", "-1"), ("int(1e19)", "error: program: integer overflow"),
        ("int(double('NaN'))", "error: program: integer overflow"), ("int(9223372036854775807u)", "9223372036854775807"),
        ("int(9223372036854775808u)", "error: program: integer overflow"), ("int(timestamp('1970-01-01T00:01:00.9Z'))", "60"),
        ("int(duration('1.5s'))", "1500000000"), ("uint(42)", "42u"), ("uint(-1)", "error: program: unsigned integer overflow"),
        ("uint('7')", "7u"), ("uint('-7')", "error: program: type conversion error from 'string' to 'uint'"), ("uint(1.9)", "1u"),
        ("uint(-0.5)", "error: program: unsigned integer overflow"), ("double(3)", "3.0"), ("double(3u)", "3.0"),
        ("double('1e3')", "1000.0"), ("double('inf')", #"double("Infinity")"#),
        ("double('abc')", "error: program: type conversion error from 'string' to 'double'"), ("string(1)", #""1""#),
        ("string(1u)", #""1""#), ("string(1.0)", #""1""#), ("string(1.5e30)", #""1.5e+30""#), ("string(true)", #""true""#),
        ("string('a')", #""a""#), ("string(b'abc')", #""abc""#),
        (#"string(b'\xff')"#, "error: program: invalid UTF-8 in bytes, cannot convert to string"),
        ("string(duration('90s'))", #""90s""#), ("string(duration('1ms'))", #""0.001s""#),
        ("string(timestamp('2024-01-01T00:00:00.5Z'))", #""2024-01-01T00:00:00.5Z""#), ("bytes('é') == b'é'", "true"),
        ("bool('true')", "true"), ("bool('True')", "true"), ("bool('t')", "true"),
        ("bool('yes')", "error: program: type conversion error from 'string' to 'bool'"), ("dyn(1)", "1"), ("type(1)", "int"),
        ("type(null)", "null_type"), ("type([1])", "list"), ("type({})", "map"),
        ("type(timestamp('2024-01-01T00:00:00Z'))", "google.protobuf.Timestamp"),
        ("type(dyn)", "refused: 1:6: undeclared reference to 'dyn' (in container '')"),
    ])
    func conversions(text: String, expected: String) { #expect(outcome(text) == expected) }
}
