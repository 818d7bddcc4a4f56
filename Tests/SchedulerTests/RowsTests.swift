import Testing

@testable import Scheduler

@Suite struct RowsTests {
    /// Against an array of arrays, with rows that grow, shrink and grow again.
    @Test func rowsAreWhatWasSet() {
        var rows = Rows<Int32>(0)
        defer { rows.free() }
        var expected = [[Int32]](repeating: [], count: 40)
        rows.grow(to: 40)
        var random: UInt64 = 1
        for step in 0..<5_000 {
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let row = Int(random >> 33) % 40
            let new = (0..<Int(random >> 50) % 20).map { Int32(step + $0) }
            rows.set(row, new)
            expected[row] = new
            #expect(Array(rows[row]) == new)
        }
        for row in 0..<40 { #expect(Array(rows[row]) == expected[row]) }
    }

    @Test func aNewRowIsEmpty() {
        var rows = Rows<Int32>(7)
        defer { rows.free() }
        rows.grow(to: 2)
        #expect(rows[0].isEmpty && rows[1].isEmpty)
        rows.set(1, [1, 2])
        rows.grow(to: 3)
        #expect(Array(rows[1]) == [1, 2] && rows[2].isEmpty)
    }
}
