import APIModel
import Testing

@Suite struct SecondsTests {
    static let century: Whole = 3_153_600_000

    @Test(
        arguments: [
            (Value.int(30), 30), (.int(0), 0), (.int(-5), -5), (.int(.max), century), (.int(.min), -century), (.double(1e18), century),
            (.string("30"), nil), (.null, nil),
        ] as [(Value, Whole?)])
    func aSpanIsNoLongerThanACentury(_ value: Value, _ seconds: Whole?) { #expect(value.seconds == seconds) }
}
