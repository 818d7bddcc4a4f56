import APIModel
import Client
import HTTPTypes
import OrderedCollections
import Synchronization
import Testing

@testable import APIServer

/// What the chain asks admission plugins, and what becomes of their answers. Real libraries are asked in SwapTests.
@Suite(.timeLimit(.minutes(2))) struct AdmissionPluginTests {
    private let maps = "/api/v1/namespaces/default/configmaps"

    @Test func aPluginHearsWhatAWebhookHears() async throws {
        let plugin = ScriptedPlugin("judge") { _, _ in AdmissionAnswer(.allowed(.none)) }
        try await TestServer.with(plugins: [plugin]) { server in
            #expect(await server.ask(.post, maps, TestServer.configMap("m", labels: ["a": "b"])).code == 201)
            #expect(await server.ask(.delete, "\(maps)/m?dryRun=All", token: "admin-token").code == 200)
            let heard = plugin.heard
            #expect(heard.map(\.phase) == [.mutate, .validate, .mutate, .validate])
            let (create, delete) = (heard[0].question, heard[2].question)
            #expect(create.operation == .create && !create.isDryRun && delete.operation == .delete && delete.isDryRun)
            #expect(create.string(.resource) == "v1/configmaps" && create.string(.kind) == "v1/ConfigMap")
            #expect(create.string(.namespace) == "default" && create.string(.name) == "m" && create.string(.user) == "admin")
            #expect(create.json(.object)["metadata"]["labels"] == ["a": "b"] && create.string(.oldObject).isEmpty)
            #expect(create.json(.request)["userInfo"]["groups"][0] == "system:masters")
            #expect(create.json(.request)["options"]["kind"] == "CreateOptions")
            #expect(create.json(.namespaceObject)["metadata"]["name"] == "default")
            #expect(delete.string(.object).isEmpty && delete.json(.oldObject)["metadata"]["name"] == "m")
        }
    }

    @Test func everyOneIsAskedAndTheFirstRefusalCounts() async throws {
        func refusing(_ name: String, _ code: Int, _ reason: String) -> ScriptedPlugin {
            ScriptedPlugin(name, phases: [.validate]) { _, _ in
                AdmissionAnswer(.denied(code: code, reason: reason), warnings: ["\(name) warns"])
            }
        }
        try await TestServer.with(plugins: [refusing("b", 422, ""), refusing("a", 403, "not today")]) { server in
            let refused = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(refused.code == 403 && refused.reason == "Forbidden")
            #expect(refused.message == #"admission plugin "a" denied the request: not today"#)
            #expect(refused.warnings.contains("a warns") && refused.warnings.contains("b warns"))
        }
        try await TestServer.with(plugins: [refusing("b", 422, "")]) { server in
            let refused = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(refused.code == 422 && refused.reason == "Invalid")
            #expect(refused.message == #"admission plugin "b" denied the request without explanation"#)
        }
    }

    @Test func aChangeIsMadeAndThoseBeforeAreAskedAgain() async throws {
        let first = ScriptedPlugin("a", phases: [.mutate], isReinvoked: true) { _, question in
            let count = question.json(.object)["data"].fields.count
            return AdmissionAnswer(.allowed(.patch([["op": "add", "path": "/data/k\(count)", "value": "x"]])))
        }
        let second = ScriptedPlugin("b", phases: [.mutate]) { _, question in
            var object = question.json(.object)
            object["data"]["whole"] = "y"
            object["metadata"]["name"] = "other"
            object["nonsense"] = 1
            return AdmissionAnswer(.allowed(.object(object)))
        }
        try await TestServer.with(plugins: [first, second]) { server in
            let made = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(made.json["data"] == ["a": "b", "k1": "x", "whole": "y", "k3": "x"], "\(made.message)")
            #expect(made.json["metadata"]["name"] == "m" && made.json["nonsense"].isNull)
            #expect(first.heard.count == 2 && second.heard.count == 1)
        }
        // Whoever refuses is asked about what came of it.
        let judge = ScriptedPlugin("c") { phase, question in
            AdmissionAnswer(
                phase == .mutate || question.json(.object)["data"]["k3"].isNull ? .allowed(.none) : .denied(code: 403, reason: "too much"))
        }
        try await TestServer.with(plugins: [first, second, judge]) { server in
            #expect(await server.ask(.post, maps, TestServer.configMap("m")).message.hasSuffix("denied the request: too much"))
        }
    }

    @Test func aChangeThatCannotBeMadeIsAnError() async throws {
        let plugin = ScriptedPlugin("a", phases: [.mutate]) { _, _ in
            AdmissionAnswer(.allowed(.patch([["op": "remove", "path": "/data/none"]])))
        }
        try await TestServer.with(plugins: [plugin]) { server in
            let refused = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(refused.code == 500 && refused.message.contains(#"admission plugin "a": "#), "\(refused.message)")
        }
        try await TestServer.with(plugins: [
            ScriptedPlugin("b", phases: [.mutate], operations: ["DELETE"]) { _, _ in
                AdmissionAnswer(.allowed(.patch([["op": "add", "path": "/data", "value": [:]]])))
            }
        ]) { server in
            #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 201)
            let refused = await server.ask(.delete, "\(maps)/m")
            #expect(refused.message.hasSuffix("attempted to modify the object, which is not supported for this operation"))
        }
    }

    @Test(arguments: [true, false]) func whoCannotBeAskedIsPassedOverOrNot(failsClosed: Bool) async throws {
        let plugin = ScriptedPlugin("judge", failsClosed: failsClosed) { _, _ in AdmissionAnswer(.failed("it broke")) }
        try await TestServer.with(plugins: [plugin]) { server in
            let answer = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(answer.code == (failsClosed ? 500 : 201))
            if failsClosed {
                #expect(answer.message == #"Internal error occurred: failed calling admission plugin "judge": it broke"#)
            }
        }
    }

    @Test func nobodyIsAskedAboutWhatIsNotSelected() async throws {
        let never: @Sendable (AdmissionPhase, AdmissionQuestion) -> AdmissionAnswer = { _, _ in
            AdmissionAnswer(.denied(code: 403, reason: ""))
        }
        let plugins = [
            ScriptedPlugin("objects", match: ["objectSelector": ["matchLabels": ["guarded": "yes"]]], never),
            ScriptedPlugin("namespaces", match: ["namespaceSelector": ["matchLabels": ["guarded": "yes"]]], never),
            ScriptedPlugin(
                "conditions", match: ["matchConditions": [["name": "bob", "expression": "request.userInfo.username == 'bob'"]]], never),
        ]
        try await TestServer.with(plugins: plugins) { server in
            #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 201)
            #expect(await server.ask(.post, maps, TestServer.configMap("n", labels: ["guarded": "yes"])).code == 403)
            #expect(plugins.map(\.heard.count) == [1, 0, 0])
        }
    }

    /// One that refuses everything can be taken back, and so can a webhook.
    @Test func pluginsAreNotAskedAboutPlugins() async throws {
        let plugin = ScriptedPlugin("no") { _, _ in AdmissionAnswer(.denied(code: 403, reason: "no")) }
        try await TestServer.with(plugins: [plugin]) { server in
            let made = await server.ask(
                .post, "/apis/plugins.apus.dev/v1alpha1/plugins",
                [
                    "metadata": ["name": "no"],
                    "spec": [
                        "kind": "Admission", "library": "libno.so", "enabled": false,
                        "admission": ["rules": [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]]]],
                    ],
                ])
            #expect(made.code == 201, "\(made.message)")
            #expect(await server.ask(.delete, "/apis/plugins.apus.dev/v1alpha1/plugins/no").code == 200)
            #expect(plugin.heard.isEmpty)
            #expect(await server.ask(.post, maps, TestServer.configMap("m")).code == 403)
        }
    }

    @Test func aConditionThatDoesNotCompileIsRefused() async throws {
        try await TestServer.with { server in
            let refused = await server.ask(
                .post, "/apis/plugins.apus.dev/v1alpha1/plugins",
                [
                    "metadata": ["name": "no"],
                    "spec": [
                        "kind": "Admission", "library": "libno.so", "enabled": false,
                        "admission": [
                            "rules": [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]]],
                            "matchConditions": [["name": "a", "expression": "object.metadata +"]],
                        ],
                    ],
                ])
            #expect(refused.code == 422)
            #expect(refused.message.contains("spec.admission.matchConditions[0].expression"), "\(refused.message)")
        }
    }

    /// A plugin that was swapped before it was asked is asked in its new version, and no other twice.
    @Test func whoIsSwappedIsAskedAnew() async throws {
        let other = ScriptedPlugin("a") { _, _ in AdmissionAnswer(.allowed(.none)) }
        let new = ScriptedPlugin("b") { _, _ in AdmissionAnswer(.denied(code: 403, reason: "the new one")) }
        let source = ScriptedSource([])
        let old = ScriptedPlugin("b") { _, _ in
            source.list.withLock { $0 = AdmissionReviewers(active: [other, new]) }
            return AdmissionAnswer(.gone)
        }
        try await TestServer.with {
            $0.admissionSource = source
        } _: { server in
            source.list.withLock { $0 = AdmissionReviewers(active: [other, old]) }
            let refused = await server.ask(.post, maps, TestServer.configMap("m"))
            #expect(refused.message == #"admission plugin "b" denied the request: the new one"#)
            #expect(other.heard.count == 1 && old.heard.count == 1 && new.heard.count == 1)
        }
    }
}

/// Answers as it is told, and keeps what it was asked.
private final class ScriptedPlugin: AdmissionReviewer {
    let name: String
    let specification: AdmissionSpecification
    private let phases: Set<AdmissionPhase>
    private let answer: @Sendable (AdmissionPhase, AdmissionQuestion) -> AdmissionAnswer
    private let noted = Mutex<[(phase: AdmissionPhase, question: AdmissionQuestion)]>([])

    var heard: [(phase: AdmissionPhase, question: AdmissionQuestion)] { noted.withLock { $0 } }

    init(
        _ name: String, phases: Set<AdmissionPhase> = Set(AdmissionPhase.allCases), operations: [String] = ["*"],
        match: Value = .emptyObject,
        failsClosed: Bool = true, isReinvoked: Bool = false,
        _ answer: @escaping @Sendable (AdmissionPhase, AdmissionQuestion) -> AdmissionAnswer
    ) {
        self.name = name
        self.phases = phases
        self.answer = answer
        var match = match
        match["rules"] = [
            [
                "operations": .array(operations.map(Value.string)), "apiGroups": ["*"], "apiVersions": ["*"],
                "resources": ["configmaps", "plugins"],
            ]
        ]
        specification = AdmissionSpecification(match: match, failsClosed: failsClosed, phases: phases, isReinvoked: isReinvoked)
    }

    func takesPart(in phase: AdmissionPhase) -> Bool { phases.contains(phase) }

    func review(_ phase: AdmissionPhase, _ question: AdmissionQuestion) async -> AdmissionAnswer {
        noted.withLock { $0.append((phase, question)) }
        return answer(phase, question)
    }
}

private final class ScriptedSource: AdmissionSource {
    let list: Mutex<AdmissionReviewers>
    init(_ plugins: [ScriptedPlugin]) { list = Mutex(AdmissionReviewers(active: plugins.sorted { $0.name < $1.name })) }
    var admission: AdmissionReviewers { list.withLock { $0 } }
}

extension TestServer {
    fileprivate static func with(plugins: [ScriptedPlugin], _ body: (TestServer) async throws -> Void) async throws {
        let source = ScriptedSource([])
        try await with {
            $0.admissionSource = source
        } _: { server in
            // What every cluster starts with is not what they are to judge.
            source.list.withLock { $0 = AdmissionReviewers(active: plugins.sorted { $0.name < $1.name }) }
            try await body(server)
        }
    }
}

extension AdmissionQuestion {
    fileprivate func json(_ text: Text) -> Value { (try? JSON.decode(Array(bytes[self[text]]))) ?? .null }
}
