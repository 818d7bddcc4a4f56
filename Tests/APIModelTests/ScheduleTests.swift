import Testing

@testable import APIModel

@Suite struct ScheduleTests {
    private func next(_ line: String, _ after: String, _ zone: String = "UTC") throws -> String? {
        let zone = try #require(ZoneInfo.named(zone))
        let time = try #require(Timestamp.parse(after)?.seconds)
        return try CronSchedule(line).next(after: time, in: zone).map { zone.text($0) }
    }

    @Test(
        arguments: [
            ("* * * * *", "2026-11-27T10:07:30Z", "2026-11-27T10:08:00Z"), ("* * * * *", "2026-11-27T10:07:00Z", "2026-11-27T10:08:00Z"),
            ("*/15 * * * *", "2026-11-27T10:46:00Z", "2026-11-27T11:00:00Z"),
            ("5/20 * * * *", "2026-11-27T10:06:00Z", "2026-11-27T10:25:00Z"),
            ("30 6-16/4 * * 1-5", "2026-11-27T14:30:00Z", "2026-11-30T06:30:00Z"),
            ("0 0 1 1 *", "2026-11-27T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-27T00:00:00Z", "2028-02-29T00:00:00Z"), ("0 0 31 2 *", "2026-11-27T00:00:00Z", nil),
            ("0 0 31 * *", "2026-11-27T00:00:00Z", "2026-12-31T00:00:00Z"),
            // A day of the month or of the week, where both are said; with an open one, both.
            ("0 0 13 * 5", "2026-11-27T00:00:00Z", "2026-12-04T00:00:00Z"), ("0 0 13 * *", "2026-11-27T00:00:00Z", "2026-12-13T00:00:00Z"),
            ("0 0 */2 * 5", "2026-11-28T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("0 0 ? * sun", "2026-11-27T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("0 12 * jan,MAR mon-fri", "2026-11-27T00:00:00Z", "2027-01-01T12:00:00Z"),
            ("@hourly", "2026-11-27T10:07:30Z", "2026-11-27T11:00:00Z"),
            ("@weekly", "2026-11-27T10:07:30Z", "2026-11-29T00:00:00Z"), ("@every 1h30m", "2026-11-27T10:07:30Z", "2026-11-27T11:37:30Z"),
        ] as [(String, String, String?)])
    func nextTime(line: String, after: String, expected: String?) throws { #expect(try next(line, after) == expected) }

    @Test(
        arguments: [
            // The clocks skip 02:30 in spring and show it twice in autumn.
            ("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T02:30:00+02:00"),
            ("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T02:30:00+02:00"),
            ("Europe/Berlin", "30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T02:30:00+01:00"),
            ("Europe/Berlin", "0 0 * * *", "2050-06-30T12:00:00Z", "2050-07-01T00:00:00+02:00"),
            ("Asia/Kolkata", "0 9 * * *", "2026-11-27T00:00:00Z", "2026-11-27T09:00:00+05:30"),
            ("America/New_York", "0 0 * * 1", "2026-11-27T00:00:00Z", "2026-11-30T00:00:00-05:00"),
            ("America/New_York", "0 0 * * 1", "2099-07-01T00:00:00Z", "2099-07-06T00:00:00-04:00"),
            // Midnight itself is skipped there.
            ("Africa/Cairo", "0 0 24 4 *", "2026-04-01T00:00:00Z", "2027-04-24T00:00:00+02:00"),
            ("Africa/Cairo", "0 * 24 4 *", "2026-04-23T12:00:00Z", "2026-04-24T01:00:00+03:00"),
        ] as [(String, String, String, String)])
    func zones(zone: String, line: String, after: String, expected: String) throws { #expect(try next(line, after, zone) == expected) }

    @Test(
        arguments: [
            ("*/5 * * * *", "2026-11-27T10:07:30Z", "2026-11-27T10:05:00Z"), ("0 0 1 1 *", "2026-11-27T10:07:30Z", "2026-01-01T00:00:00Z"),
            ("@every 7m", "2026-11-27T10:07:30Z", "2026-11-27T10:04:00Z"), ("0 0 29 2 *", "2026-11-27T10:07:30Z", nil),
            ("0 0 31 2 *", "2026-11-27T10:07:30Z", nil),
        ] as [(String, String, String?)])
    func lastTime(line: String, until: String, expected: String?) throws {
        let start = try #require(Timestamp.parse("2025-11-27T00:00:00Z")?.seconds)
        let end = try #require(Timestamp.parse(until)?.seconds)
        #expect(try CronSchedule(line).last(after: start, until: end, in: .utc).map { ZoneInfo.utc.text($0) } == expected)
    }

    @Test func unknownZones() {
        for name in ["Foo/Bar", "../../etc/passwd", "/etc/localtime", "Europe//Berlin", "-x", "Europe", "zone.tab"] {
            #expect(ZoneInfo.named(name) == nil, "\(name)")
        }
        #expect(ZoneInfo.named("UTC") == .utc && ZoneInfo(data: [UInt8]("TZif2".utf8)) == nil)
    }
}
