import APIModel
import PluginConformance
import Testing

/// Each fixture has one defect: exactly the check that is about it must fail, and say what was seen.
@Suite struct FixtureTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var fixture: String
        var check: String
        var sentence: String
        var testDescription: String { fixture }
    }

    static let policies = [
        Case(fixture: "policy-sets-bits", check: "filter/only-clears", sentence: "that were clear"),
        Case(fixture: "policy-silent-refusal", check: "filter/reasons", sentence: "without a reason"),
        Case(fixture: "policy-high-points", check: "score/range", sentence: "bring them between 0 and 100"),
        Case(fixture: "policy-writes-on-fault", check: "score/only-on-ok", sentence: "no opinion on Pods below zero"),
    ]
    static let controllers = [
        Case(fixture: "controller-writes-always", check: "reconcile/settles", sentence: "patch v1/namespaces conformance"),
        Case(fixture: "controller-swallows-conflict", check: "reconcile/conflict", sentence: "the change is lost"),
        Case(fixture: "controller-calls-late", check: "host/quiet-after-stop", sentence: "objects.get"),
        Case(fixture: "controller-leaks-threads", check: "instances/threads-end", sentence: "left 100 threads behind"),
    ]

    static let others = [
        Case(fixture: "runtime-nameless", check: "call/version", sentence: "no runtime_name"),
        Case(fixture: "runtime-half-a-status", check: "call/status", sentence: "not NetworkReady"),
        Case(fixture: "runtime-refuses-silently", check: "call/unknown-method", sentence: "ConformanceNonsense"),
        Case(fixture: "admission-denies-silently", check: "validate/answers", sentence: "answered DENIED without a reason"),
        Case(fixture: "admission-never-settles", check: "admit/settles", sentence: "and then what it had made of it"),
        Case(fixture: "admission-patches-nothing", check: "admit/answers", sentence: "answered with a patch that cannot be made"),
        Case(fixture: "proxy-carries-nothing", check: "sync/carries", sentence: "does not reach the one endpoint"),
    ]

    static let controllerManifest = """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: fixture}
        spec:
          kind: Controller
          library: libfixture.so
          component: fixture
          controller: {for: [v1/namespaces]}
          rules:
            - {apiGroups: [""], resources: [namespaces], verbs: [get, list, watch, patch]}
        """

    @Test(arguments: policies) func exactlyOneCheckOfAPolicyFails(_ item: Case) async throws {
        try await failsOnce(item, manifest: nil)
    }

    @Test(arguments: controllers) func exactlyOneCheckOfAControllerFails(_ item: Case) async throws {
        try await failsOnce(item, manifest: Self.controllerManifest)
    }

    @Test(arguments: others) func exactlyOneCheckOfAnotherKindFails(_ item: Case) async throws {
        try await failsOnce(item, manifest: nil)
    }

    private func failsOnce(_ item: Case, manifest: String?) async throws {
        let workshop = try Workshop()
        let library = try workshop.compile(item.fixture)
        let arguments = try manifest.map { ["--manifest", try workshop.write("manifest.yaml", $0)] } ?? []
        let result = try await Apus.test([library] + arguments)
        let failures = result.lines("FAIL")
        #expect(failures.map { String($0.prefix { $0 != ":" }) } == [item.check], "\(failures.joined(separator: "\n"))")
        #expect(failures.first?.contains(item.sentence) == true, "\(failures)")
        #expect(result.lines.last?.contains(", 1 failed, ") == true)
        #expect(result.status == 1)
    }

    @Test(arguments: ["policy-good", "runtime-good", "admission-good", "controller-good", "controller-hesitates"])
    func withoutADefectNothingFails(
        _ fixture: String
    ) async throws {
        let workshop = try Workshop()
        let library = try workshop.compile(fixture)
        let arguments = fixture.hasPrefix("controller") ? ["--manifest", try workshop.write("manifest.yaml", Self.controllerManifest)] : []
        let result = try await Apus.test([library] + arguments)
        #expect(result.lines("FAIL") == [])
        #expect(result.status == 0)
    }

    @Test func aCrashIsAFailedCheckAndTheRestGoesOn() async throws {
        let workshop = try Workshop()
        let result = try await Apus.test([try workshop.compile("policy-crashes")])
        let failures = result.lines("FAIL")
        #expect(
            failures.contains { $0.hasPrefix("score/answers: the plugin was ended by signal 11 (SIGSEGV) in this check") }, "\(failures)")
        #expect(failures.allSatisfy { $0.hasPrefix("score/") })
        #expect(result.lines("ok").contains("score/holes") && result.lines("ok").contains("filter/reasons"))
        #expect(result.status == 1)
    }

    /// What may be null is, where it is empty.
    @Test func anArrayThatIsEmptyIsNotLookedInto() async throws {
        let workshop = try Workshop()
        let failures = try await Apus.test([try workshop.compile("policy-trusts-arrays"), "--check", "filter/answers"]).lines("FAIL")
        #expect(failures.count == 1 && failures[0].contains("ended by signal 11 (SIGSEGV)"), "\(failures)")
    }

    @Test func anAnswerThatIsAnotherTheNextTimeIsSeen() async throws {
        let workshop = try Workshop()
        let failures = try await Apus.test([try workshop.compile("admission-changes-its-mind"), "--check", "slots/no-effects"]).lines(
            "FAIL")
        #expect(failures.count == 1 && failures[0].contains("answered another thing about"), "\(failures)")
    }

    /// The same defects are seen without a process of their own.
    @Test func inThisProcess() async throws {
        let workshop = try Workshop()
        let report = await checkSchedulerPolicy(try PluginUnderTest(library: workshop.compile("policy-sets-bits")))
        #expect(report.failures.map(\.name) == ["filter/only-clears"])
        let manifest = try #require(try YAML.decode(Self.controllerManifest).first)
        let controller = try PluginUnderTest(library: workshop.compile("controller-swallows-conflict"), manifest: manifest)
        #expect(await checkController(controller).failures.map(\.name) == ["reconcile/conflict"])
    }

    @Test func theWrongSuiteSaysSo() async throws {
        let workshop = try Workshop()
        let report = await checkRuntime(try PluginUnderTest(library: workshop.compile("policy-good")))
        #expect(report.failures.first?.message == "the manifest says kind SchedulerPolicy, and this is the suite for Runtime")
    }

    @Test func aControllerNeedsItsManifest() async throws {
        let workshop = try Workshop()
        let library = try workshop.compile("controller-good")
        let error = #expect(throws: (any Error).self) { try PluginUnderTest(library: library) }
        #expect(error.map { "\($0)" } == "what a controller watches and may do stands in its manifest: give it with --manifest")
    }
}
