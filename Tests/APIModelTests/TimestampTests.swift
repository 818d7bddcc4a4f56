import Testing

@testable import APIModel

@Suite struct TimestampTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0, 0), ("2026-01-02T03:04:05Z", 1_767_323_045, 0), ("2000-02-29T23:59:59.5Z", 951_868_799, 500_000_000),
        ("1969-12-31T23:59:59Z", -1, 0),
        ("2026-01-02T05:04:05.000001+02:00", 1_767_323_045, 1000), ("2026-01-01T22:34:05-04:30", 1_767_323_045, 0),
        ("0001-01-01T00:00:00Z", -62_135_596_800, 0),
        ("9999-12-31T23:59:59Z", 253_402_300_799, 0),
    ]) func parses(text: String, seconds: Whole, nanos: Int32) throws {
        let time = try #require(Timestamp.parse(text))
        #expect(time.seconds == seconds && time.nanos == nanos)
        if text.hasSuffix(":59Z") || text.hasSuffix(":05Z") { #expect(Timestamp.format(seconds: seconds) == text) }
    }

    @Test(arguments: [
        "", "2026-01-02", "2026-01-02 03:04:05Z", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-02T24:00:00Z",
        "2026-01-02T03:04:05", "2026-01-02T03:04:05.Z",
        "2026-01-02T03:04:05Zx",
    ])
    func refuses(text: String) { #expect(Timestamp.parse(text) == nil) }

    @Test func everyDayOfFourCenturies() throws {
        for day in stride(from: Int64(-80_000), through: 80_000, by: 1) {
            let time = Timestamp.parse(Timestamp.format(seconds: day * 86400 + 3600))
            guard time?.seconds == Whole(day * 86400 + 3600) else {
                Issue.record("day \(day) came back as \(String(describing: time))")
                return
            }
        }
    }

    @Test func nowIsNow() throws {
        #expect(Timestamp.now().utf8.count == 20)
        #expect(Timestamp.nowMicro().utf8.count == 27)
        #expect(try #require(Timestamp.parse(Timestamp.nowMicro())).seconds > 1_700_000_000)
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("\u{3FF}\u{3FE}", "z7/Pvg==")])
    func base64(text: String, encoded: String) {
        #expect(Base64.encode(text.utf8) == encoded)
        #expect(Base64.decode(encoded) == Array(text.utf8))
    }

    @Test(arguments: ["Z", "Zg=", "Zg", "Z===", "Zg==Zg==", "Zm9v!", "=", "Zm8=="]) func notBase64(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func base64HasNoWrongBytes() {
        var random = Mutations(seed: 3)
        for _ in 0..<3000 {
            let bytes = random.mutate(Array("Zm9vYmFyYmF6cXV4".utf8))
            guard let text = String(validating: bytes, as: UTF8.self), let decoded = Base64.decode(text) else { continue }
            #expect(Base64.decode(Base64.encode(decoded)) == decoded)
        }
    }
}
