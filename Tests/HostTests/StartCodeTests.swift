import Foundation
import Testing

@testable import Host

/// Giving back the pages of code.
@Suite(.serialized) struct StartCodeTests {
    @Test func onlyCodeOfFiles() {
        let maps = """
            55d8e1aa8000-55d8e1b00000 r--p 00000000 fe:00 12345                      /usr/bin/apus
            55d8e1b00000-55d8e2000000 r-xp 00058000 fe:00 12345                      /usr/bin/apus
            55d8e2000000-55d8e2100000 rwxp 00558000 fe:00 12345                      /usr/bin/apus
            7fb260000000-7fb260200000 r-xp 00000000 00:01 77                         /memfd:lib with a space.so (deleted)
            7fb260300000-7fb260400000 rw-p 00000000 00:00 0
            7fb260500000-7fb260600000 r-xp 00000000 00:00 0
            7ffcfb5f0000-7ffcfb5f2000 r-xp 00000000 00:00 0                          [vdso]
            """
        #expect(StartCode.ranges(maps) == [0x55d8_e1b0_0000..<0x55d8_e200_0000, 0x7fb2_6000_0000..<0x7fb2_6020_0000])
    }

    /// Resident of files, in KiB.
    private func resident() throws -> Int {
        let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
        let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("RssFile:") })
        return try #require(Int(line.filter(\.isNumber)))
    }

    @Test func givesBackWhatNobodyRuns() throws {
        let before = try resident()
        StartCode.letGo()
        // What measures it has come back already.
        #expect(try resident() < before)
    }
}
