import Testing

@testable import CEL

struct TimeTests {
    @Test(arguments: [
        ("timestamp('2024-02-29T12:34:56.789Z').getFullYear()", "2024"), ("timestamp('2024-02-29T12:34:56.789Z').getMonth()", "1"),
        ("timestamp('2024-02-29T12:34:56.789Z').getDate()", "29"), ("timestamp('2024-02-29T12:34:56.789Z').getDayOfMonth()", "28"),
        ("timestamp('2024-02-29T12:34:56.789Z').getDayOfWeek()", "4"), ("timestamp('2024-02-29T12:34:56.789Z').getDayOfYear()", "59"),
        ("timestamp('2024-02-29T12:34:56.789Z').getHours()", "12"), ("timestamp('2024-02-29T12:34:56.789Z').getMinutes()", "34"),
        ("timestamp('2024-02-29T12:34:56.789Z').getSeconds()", "56"),
        ("timestamp('2024-02-29T12:34:56.789Z').getMilliseconds()", "789"),
        ("timestamp('2024-02-29T23:00:00Z').getDate('+02:00')", "1"), ("timestamp('2024-02-29T23:00:00Z').getHours('-03:30')", "19"),
        ("timestamp('2024-02-29T23:00:00Z').getHours('02:00')", "1"), ("timestamp('2024-02-29T23:00:00Z').getHours('UTC')", "23"),
        ("timestamp('2024-07-01T12:00:00Z').getHours('Europe/Paris')", "14"),
        ("timestamp('2024-01-01T12:00:00Z').getHours('America/New_York')", "7"),
        ("timestamp('2050-07-01T12:00:00Z').getHours('Europe/Paris')", "14"),
        ("timestamp('1900-01-01T12:00:00Z').getMinutes('Europe/Paris')", "9"),
        ("timestamp('2024-01-01T00:00:00Z').getHours('Mars/Olympus')", "error: unknown time zone Mars/Olympus"),
        ("timestamp('2024-02-30T00:00:00Z')", "refused: 1:11: invalid timestamp argument"),
        ("timestamp('2024-01-01')", "refused: 1:11: invalid timestamp argument"),
        ("timestamp('2024-01-01T24:00:00Z')", "refused: 1:11: invalid timestamp argument"),
        ("timestamp(0)", #"timestamp("1970-01-01T00:00:00Z")"#),
        ("timestamp(253402300800)", "refused: 1:11: invalid timestamp argument"),
        ("timestamp('0000-01-01T00:00:00Z')", "refused: 1:11: invalid timestamp argument"),
        ("timestamp('2024-01-01T00:00:00+25:00')", "refused: 1:11: invalid timestamp argument"),
        ("duration('1h2m3s').getHours()", "1"), ("duration('1h2m3s').getMinutes()", "62"), ("duration('1h2m3s').getSeconds()", "3723"),
        ("duration('1.5s').getMilliseconds()", "1500"), ("duration('-1.5h').getMinutes()", "-90"),
        ("duration('1')", "refused: 1:10: invalid duration argument"), ("duration('')", "refused: 1:10: invalid duration argument"),
        ("duration('1x')", "refused: 1:10: invalid duration argument"), ("duration('300000h')", #"duration("1080000000s")"#),
        ("duration('1us') + duration('1ns')", #"duration("0.000001001s")"#),
    ])
    func times(text: String, expected: String) { #expect(outcome(text) == expected) }
}
