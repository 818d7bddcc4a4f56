import Testing

@testable import CEL

struct ArithmeticTests {
    /// Arithmetic tells of what does not fit and never wraps.
    @Test(arguments: [
        ("1 + 2 * 3 - 4", "3"), ("7 / 2", "3"), ("-7 / 2", "-3"), ("7 % 3", "1"), ("-7 % 3", "-1"),
        ("1 / 0", "error: division by zero"), ("1 % 0", "error: modulus by zero"),
        ("9223372036854775807 + 1", "error: integer overflow"), ("-9223372036854775808 - 1", "error: integer overflow"),
        ("-9223372036854775807 * 2", "error: integer overflow"), ("-9223372036854775808 / -1", "error: integer overflow"),
        ("-(-9223372036854775807 - 1)", "error: integer overflow"), ("-9223372036854775808 % -1", "error: integer overflow"),
    ])
    func integers(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1u + 2u", "3u"), ("1u - 2u", "error: unsigned integer overflow"),
        ("18446744073709551615u + 1u", "error: unsigned integer overflow"),
        ("18446744073709551615u * 2u", "error: unsigned integer overflow"), ("7u / 2u", "3u"), ("7u % 4u", "3u"),
        ("1u / 0u", "error: division by zero"), ("1u % 0u", "error: modulus by zero"),
    ])
    func unsignedIntegers(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("1.0 / 0.0", #"double("Infinity")"#), ("-1.0 / 0.0", #"double("-Infinity")"#), ("0.0 / 0.0", #"double("NaN")"#),
        ("0.1 + 0.2", "0.30000000000000004"), ("1.5 * 2.0", "3.0"), ("1e300 * 1e300", #"double("Infinity")"#),
        ("double('NaN') == double('NaN')", "false"), ("double('NaN') != double('NaN')", "true"), ("-(1.5)", "-1.5"),
        ("1e21", "1000000000000000000000.0"), ("1e20", "100000000000000000000.0"), ("123456789.0", "123456789.0"),
        ("0.00001", "0.00001"),
    ])
    func doubles(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("'a' + 'b'", #""ab""#), ("b'a' + b'b' == b'ab'", "true"), ("[1] + [2]", "[1, 2]"),
        ("duration('1m') + duration('1s')", #"duration("61s")"#),
        ("timestamp('2024-01-01T00:00:00Z') + duration('24h')", #"timestamp("2024-01-02T00:00:00Z")"#),
        ("duration('1s') + timestamp('2024-01-01T00:00:00Z')", #"timestamp("2024-01-01T00:00:01Z")"#),
        ("timestamp('2024-01-02T00:00:00Z') - timestamp('2024-01-01T00:00:00Z')", #"duration("86400s")"#),
        ("timestamp('2024-01-02T00:00:00Z') - duration('1h')", #"timestamp("2024-01-01T23:00:00Z")"#),
        ("duration('1m') - duration('1s')", #"duration("59s")"#),
        ("timestamp('9999-12-31T23:59:59Z') + duration('1s')", "error: timestamp overflow"),
        ("timestamp('0001-01-01T00:00:00Z') - duration('1s')", "error: timestamp overflow"),
        ("duration('9223372036s') + duration('1s')", "error: integer overflow"),
    ])
    func otherSums(text: String, expected: String) { #expect(outcome(text) == expected) }
}
