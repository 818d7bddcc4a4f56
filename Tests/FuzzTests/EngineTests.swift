import Foundation
import Testing

/// The fuzzer finds what is there to be found.
@Suite(.serialized)
struct EngineTests {
    @Test func aTrapIsFoundAndMadeSmall() async throws {
        let finds = try await Campaign(subjects: ["broken-trap"], seed: 1, seconds: 30, most: 10_000).run()
        try #require(finds.count == 1)
        #expect(finds[0].input.first == UInt8(ascii: ":"))
        #expect((17...20).contains(finds[0].input.count))
    }

    @Test(arguments: [("broken-hang", "FIND: works for more than"), ("broken-hoard", "FIND: takes more than")])
    func whatTakesTooMuchIsFound(_ subject: String, _ reason: String) async throws {
        let task = ChildTask(inputs: [ChildTask.Input(subject: subject, bytes: Data("{[".utf8))], journal: "")
        let ended = try #require(try await ChildProcess.run(task, limit: .seconds(60)))
        #expect(ended.reason.hasPrefix(reason))
        #expect(ended.inHand?.input == Array("{[".utf8))
    }

    @Test func whatIsWellIsNoFind() async throws {
        let task = ChildTask(inputs: [ChildTask.Input(subject: "broken-trap", bytes: Data("a: 1".utf8))], journal: "")
        #expect(try await ChildProcess.run(task, limit: .seconds(60)) == nil)
    }

    @Test func theSmallestInputIsWhatIsNeeded() async throws {
        let pieces = Pieces.bytes.split(Array("xxxxaxxxxxxxbxxxx".utf8))
        let smallest = await Minimiser.minimise(pieces, tries: 1_000) { candidates in
            candidates.firstIndex { $0.contains(UInt8(ascii: "a")) && $0.contains(UInt8(ascii: "b")) }
        }
        #expect(String(decoding: smallest, as: UTF8.self) == "ab")
    }

    @Test func theSameSeedMakesTheSame() {
        func inputs(_ seed: UInt64) -> [[UInt8]] {
            var mutator = Mutator(dice: Dice(seed: seed), words: ["word"], longest: 1_000)
            return (0..<100).map { _ in mutator.mutate(Array("{\"a\": 12}".utf8), [Array("[1]".utf8)]) }
        }
        #expect(inputs(1) == inputs(1))
        #expect(inputs(1) != inputs(2))
    }
}
