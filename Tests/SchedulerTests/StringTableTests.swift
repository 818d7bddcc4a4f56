import PluginAPI
import Testing

@testable import Scheduler

@Suite struct StringTableTests {
    private let strings = StringTable()

    @Test func equalStringsHaveEqualNumbers() {
        #expect(strings.hold("") == 0)
        let zone = strings.hold("zone")
        #expect(zone != 0 && strings.hold("zone") == zone && strings.hold("other") != zone && strings.text(zone) == "zone")
    }

    /// As many strings as the labels of millions of Pods: the table holds what is in use, and some that were.
    @Test func stringsThatComeAndGoDoNotFillTheTable() {
        let kept = strings.hold("kept")
        for number in 0..<200_000 { strings.release(strings.hold("label-\(number)")) }
        #expect(strings.count <= 2 * StringTable.worthwhile + 2)
        #expect(strings.text(kept) == "kept" && strings.number(of: "kept") == kept)
        #expect(strings.epoch > 100 && strings.epoch < 200_000 / UInt64(StringTable.worthwhile) + 1)
    }

    /// What a policy noted is good until the epoch changes, also of what nobody holds any more.
    @Test func aNumberStandsForItsTextUntilTheEpochChanges() {
        let noted = strings.hold("noted")
        strings.release(noted)
        let epoch = strings.epoch
        for number in 0..<StringTable.worthwhile - 2 { strings.release(strings.hold("\(number)")) }
        #expect(strings.epoch == epoch && strings.text(noted) == "noted" && strings.number(of: "noted") == noted)
        strings.release(strings.hold("one more"))
        #expect(strings.epoch == epoch + 1 && strings.number(of: "noted") == nil)
    }

    @Test func whatIsHeldAgainIsNotTakenBack() {
        let back = strings.hold("back")
        strings.release(back)
        #expect(strings.hold("back") == back)
        for number in 0..<StringTable.worthwhile { strings.release(strings.hold("\(number)")) }
        #expect(strings.number(of: "back") == back && strings.text(back) == "back")
    }

    @Test func textsOfAllSizesAreKeptApart() {
        let texts = [1, 15, 16, 17, 511, 512, 513, 70_000].flatMap { size in ["a", "b"].map { String(repeating: $0, count: size) } }
        for _ in 0..<3 {
            let numbers = texts.map(strings.hold)
            for (number, text) in zip(numbers, texts) { #expect(strings.text(number) == text) }
            for number in numbers { strings.release(number) }
            for number in 0..<StringTable.worthwhile { strings.release(strings.hold("\(number)")) }
        }
    }
}
