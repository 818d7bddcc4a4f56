import Foundation
import Testing

@testable import PluginHost

/// What an isolated plugin prints is in the host's log, and no more of it than a log can bear.
@Suite struct ChildOutputTests {
    @Test(arguments: [
        ("one\ntwo\n", ["one", "two"]), ("one\n\n\ntwo", ["one"]), ("", []), ("\u{1b}[31mred\u{7}\r\n", [" [31mred  "]),
        ("a\tb\u{85}c\n", ["a\tb c"]),
    ])
    func cutsLines(_ text: String, _ lines: [String]) {
        var splitter = LineSplitter()
        #expect(splitter.add(text.utf8) == lines)
    }

    @Test func putsPiecesTogether() {
        var splitter = LineSplitter()
        #expect(splitter.add("one ".utf8) == [] && splitter.add("line\nand".utf8) == ["one line"])
        #expect(splitter.end() == ["and"] && splitter.end() == [])
    }

    @Test func keepsTheBeginningOfALongLine() {
        var splitter = LineSplitter()
        #expect(splitter.add([UInt8](repeating: 97, count: 1 << 20)) == [])
        #expect(splitter.add("\nnext\n".utf8) == [String(repeating: "a", count: 2048) + "…", "next"])
    }

    @Test func allowsManyLinesAtOnceAndFewAllTheTime() {
        var allowance = LineAllowance()
        let start = ContinuousClock.now
        let first = (0..<1000).count { _ in allowance.take(at: start).isAllowed }
        #expect(first == 200 && allowance.omitted == 800)
        let (isAllowed, omitted) = allowance.take(at: start + .seconds(1))
        #expect(isAllowed && omitted == 800 && allowance.omitted == 0)
        let second = (0..<1000).count { _ in allowance.take(at: start + .seconds(1)).isAllowed }
        #expect(second == 19)
    }

    private func heard(_ key: String, until isDone: ([String]) -> Bool) throws -> [String] {
        let workshop = try Workshop()
        let plugin = try IsolatedFixture("prints", in: workshop)
        defer { plugin.end() }
        try plugin.instance.start()
        _ = plugin.reconcile(key)
        let deadline = ContinuousClock.now + .seconds(30)
        while !isDone(plugin.heard.lines.value), .now < deadline { usleep(5000) }
        return plugin.heard.lines.value
    }

    @Test(arguments: [("out", "info prints: hello"), ("err", "warning prints: oh dear")])
    func isInTheLog(_ key: String, _ line: String) throws {
        #expect(try heard(key) { !$0.isEmpty } == [line])
    }

    @Test func whatEndsASwiftProgramIsInTheLog() throws {
        let lines = try heard("fatal") { $0.contains { $0.contains("no luck today") } }
        #expect(lines.contains { $0.hasPrefix("warning prints: ") && $0.hasSuffix("Fatal error: no luck today") }, "\(lines)")
    }

    @Test func isNeitherLongNorMuchNorACommand() throws {
        let odd = try heard("odd") { $0.count == 2 }
        #expect(odd == ["warning prints:  [2Jred ", "warning prints: " + String(repeating: "a", count: 2048) + "…"])
        let many = try heard("many") { $0.contains { $0.contains("left out") } }
        #expect(many.count < 1000 && many.first == "warning prints: line 0")
    }
}
