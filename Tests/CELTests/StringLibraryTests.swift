import Testing

@testable import CEL

struct StringLibraryTests {
    @Test(arguments: [
        ("'abc'.contains('b')", "true"), ("'abc'.startsWith('ab')", "true"), ("'abc'.endsWith('bc')", "true"),
        ("'abc'.contains('')", "true"), ("'tacocat'.charAt(3)", #""o""#), ("'tacocat'.charAt(7)", #""""#),
        ("'tacocat'.charAt(8)", "error: index out of range: 8"), ("'añb'.charAt(1)", #""ñ""#), ("'tacocat'.indexOf('ac')", "1"),
        ("'tacocat'.indexOf('none')", "-1"), ("'tacocat'.indexOf('')", "0"), ("'tacocat'.indexOf('a', 3)", "5"),
        ("'tacocat'.indexOf('a', 30)", "-1"), ("'tacocat'.lastIndexOf('at')", "5"), ("'tacocat'.lastIndexOf('a', 2)", "1"),
        ("'tacocat'.lastIndexOf('')", "7"), ("['a', 'b'].join()", #""ab""#), ("['a', 'b'].join('-')", #""a-b""#),
        ("[].join('-')", #""""#), ("'TacoÉ'.lowerAscii()", #""tacoÉ""#), ("'tacoé'.upperAscii()", #""TACOé""#),
        ("'hello hello'.replace('he', 'we')", #""wello wello""#), ("'hello hello'.replace('he', 'we', 1)", #""wello hello""#),
        ("'abc'.replace('', '-')", #""-a-b-c-""#), ("'hello hello'.replace('he', 'we', -1)", #""wello wello""#),
        ("'a,b,c'.split(',')", #"["a", "b", "c"]"#), ("'a,b,c'.split(',', 2)", #"["a", "b,c"]"#), ("'a,b,c'.split(',', 0)", "[]"),
        ("'añb'.split('')", #"["a", "ñ", "b"]"#), ("'tacocat'.substring(4)", #""cat""#), ("'tacocat'.substring(0, 4)", #""taco""#),
        ("'tacocat'.substring(8)", "error: index out of range: 8"),
        ("'tacocat'.substring(3, 2)", "error: invalid substring range. start: 3, end: 2"),
        ("'tacocat'.substring(-1)", "error: index out of range: -1"), (#"' \t a \n'.trim()"#, #""a""#),
        (#"'\u00a0a\u2003'.trim()"#, #""a""#),
        ("'abc'.reverse()", "refused: 1:14: found no matching overload for 'reverse' applied to 'string.()'"),
        (#"strings.quote('a\n"b"\\\x07')"#, #""\"a\\n\\\"b\\\"\\\\\\a\"""#),
    ])
    func text(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("'%s and %s'.format(['a', 1])", #""a and 1""#), ("'%d %x %X %o %b'.format([42, 255, 255, 8, 5])", #""42 ff FF 10 101""#),
        ("'%.2f'.format([3.14159])", #""3.14""#), ("'%f'.format([1.0])", #""1.000000""#),
        ("'%e'.format([1234.5])", #""1.234500×10⁰³""#), ("'%.1e'.format([1234.5])", #""1.234500×10⁰³""#),
        (
            "'%s'.format([[1, 'a', true, null, 1.5, duration('1m'), timestamp('2024-01-01T00:00:00Z'), type(1)]])",
            #""[1, \"a\", true, null, 1.500000, duration(\"60s\"), timestamp(\"2024-01-01T00:00:00Z\"), int]""#
        ),
        ("'%s'.format([{'b': 1, 'a': [2u]}])", #""{\"a\":[2], \"b\":1}""#), ("'%x'.format(['abc'])", #""616263""#),
        (#"'%X'.format([b'\xff'])"#, #""FF""#), ("'%%'.format([])", #""%""#),
        ("'%s'.format([])", "refused: 1:12: index 0 out of range"),
        ("'%d'.format(['a'])", "refused: 1:14: error during formatting: decimal clause can only be used on integers, was given string"),
        ("'%z'.format([1])", #"refused: 1:12: could not parse formatting clause: unrecognized formatting clause "z""#),
        ("'%'.format([1])", "refused: 1:11: unexpected end of string"),
        ("'%s'.format([1, 2])", "refused: 1:12: too many arguments supplied to string.format (expected 1, got 2)"),
        ("'%d'.format([1234567])", #""1234567""#), ("'%b'.format([true])", #""1""#),
    ])
    func formatted(text: String, expected: String) { #expect(outcome(text) == expected) }

    @Test(arguments: [
        ("'abc'.matches('b')", "true"), ("matches('abc', '^a.c$')", "true"),
        ("'abc'.matches('[')", "refused: 1:15: invalid matches argument"), ("'abc123'.find('[0-9]+')", #""123""#),
        ("'abc'.find('[0-9]+')", #""""#), ("'12 34 56'.findAll('[0-9]+')", #"["12", "34", "56"]"#),
        ("'12 34 56'.findAll('[0-9]+', 2)", #"["12", "34"]"#), ("'12 34'.findAll('[0-9]+', -1)", #"["12", "34"]"#),
        ("'12 34'.findAll('[0-9]+', 0)", "[]"),
        ("'abc'.find('(?=a)')", "error: program: error parsing regexp: invalid or unsupported Perl syntax: `(?=`"),
        ("'aaa'.matches('(a*)*b')", "false"),
    ])
    func patterns(text: String, expected: String) { #expect(outcome(text) == expected) }
}
