import PluginConformance
import PluginHost
import Testing

@Suite struct ReportTests {
    @Test func linesAndSummary() {
        let report = Report(checks: [
            ("a/b", .passed), ("a/c", .failed("saw this; do that")), ("a/d", .notOffered("no slot")), ("a/e", .notOffered("")),
        ])
        #expect(
            report.checks.map { Report.line($0.name, $0.outcome) } == [
                "ok   a/b", "FAIL a/c: saw this; do that", "--   a/d: not offered: no slot", "--   a/e: not offered",
            ])
        #expect(report.summary == "1 passed, 1 failed, 2 not offered")
        #expect(!report.isPassed && report.failures.map(\.name) == ["a/c"])
    }

    /// Names are what people quote, and every check says what is promised.
    @Test(arguments: ExtensionKind.allCases) func checksHaveNamesAndPromises(_ kind: ExtensionKind) {
        let checks = Suite.checks(of: kind)
        #expect(Set(checks.map(\.name)).count == checks.count)
        #expect(checks.allSatisfy { $0.promise.hasSuffix(".") && $0.promise.count > 20 })
    }
}
