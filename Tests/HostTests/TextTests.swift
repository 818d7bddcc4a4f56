import Testing

@testable import Host

@Suite struct TextTests {
    @Test(
        arguments: [
            (0, "0 bytes"), (1023, "1023 bytes"), (1024, "1 KiB"), (1536, "1.5 KiB"), (19 << 20, "19 MiB"), (252 << 30, "252 GiB"),
            (UInt64.max, "16777215 TiB"),
        ] as [(UInt64, String)])
    func amountsOfBytes(_ count: UInt64, _ text: String) { #expect(Text.bytes(count) == text) }
}
