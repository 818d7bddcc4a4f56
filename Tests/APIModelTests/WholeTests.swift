import APIModel
import Testing

@Suite struct WholeTests {
    private static let top: Whole = .max
    private static let bottom: Whole = .min

    @Test(
        arguments: [
            (2 + 3, 5), (top + 1, top), (bottom + -1, bottom), (top + bottom, -1), (2 - 3, -1), (bottom - 1, bottom), (top - -1, top),
            (0 - bottom, top), (-bottom, top), (-top, bottom + 1), (4 * -3, -12), (top * 2, top), (top * -2, bottom), (bottom * -1, top),
            (bottom * bottom, top), (7 / 2, 3), (-7 / 2, -3), (bottom / -1, top), (5 / 0, 0), (7 % 4, 3), (-7 % 4, -3), (bottom % -1, 0),
            (5 % 0, 0), (1 << 20, 1_048_576), (3 << 70, top), (-1 << 63, bottom),
        ] as [(Whole, Whole)])
    func operatorsEndAtTheEnds(_ result: Whole, _ expected: Whole) { #expect(result == expected) }

    @Test func otherWidthsAreCut() {
        #expect(Int32(Self.top) == .max)
        #expect(UInt16(Whole(-1)) == 0)
        #expect(UInt8(Whole(200)) == 200)
        #expect(Whole(UInt64.max) == Self.top)
        #expect(Whole(1e300) == Self.top)
        #expect(Whole(-Double.infinity) == Self.bottom)
        #expect(Whole(Double.nan) == 0)
        #expect(Whole(-2.9) == -2)
    }

    @Test(
        arguments: [("9223372036854775807", top), ("-1", -1), ("9223372036854775808", nil), ("1.0", nil), ("", nil), (" 1", nil)]
            as [(String, Whole?)])
    func text(_ text: String, _ number: Whole?) { #expect(Whole(text) == number) }

    @Test func durationsStayWithinACentury() {
        let clock = ContinuousClock()
        for duration in [Duration.seconds(Self.top), .seconds(Self.bottom), .milliseconds(Self.top), .nanoseconds(Self.bottom)] {
            #expect(abs(duration.components.seconds) <= 3_153_600_000)
            #expect(clock.now + duration - duration < clock.now)
        }
        #expect(Duration.milliseconds(Whole(1500)) == .milliseconds(1500))
        #expect(Duration.seconds(Int64.max).nanoseconds == Self.top)
        #expect(Duration.milliseconds(-1500).nanoseconds == -1_500_000_000)
    }

    @Test(
        arguments: [
            (3, 10, 3, 3), ("25%", 10, 3, 2), ("100%", 7, 7, 7), ("0%", 7, 0, 0),
            ("9223372036854775807%", 3, 92_233_720_368_547_758, 92_233_720_368_547_758),
            ("99999999999999999999%", 3, nil, nil), ("25", 3, nil, nil), ("x%", 3, nil, nil), (.null, 3, nil, nil), (true, 3, nil, nil),
        ] as [(Value, Whole, Whole?, Whole?)])
    func shares(_ value: Value, _ all: Whole, _ up: Whole?, _ down: Whole?) {
        #expect(IntOrPercent(value)?.resolved(of: all, roundedUp: true) == up)
        #expect(IntOrPercent(value)?.resolved(of: all, roundedUp: false) == down)
    }
}
