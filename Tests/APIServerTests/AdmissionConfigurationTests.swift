import APIModel
import HTTPTypes
import Synchronization
import Testing

@testable import APIServer

/// What `--admission-control-config-file` says, and what members do by it.
@Suite struct AdmissionConfigurationTests {
    private let namespace = "/api/v1/namespaces/default"

    private static func file(_ plugins: String) -> String {
        "apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n\(plugins)"
    }

    private static let limits = """
        - name: EventRateLimit
          configuration:
            apiVersion: eventratelimit.admission.k8s.io/v1alpha1
            kind: Configuration
            limits:
            - {type: Namespace, qps: 1, burst: 3}
            - {type: User, qps: 1, burst: 100}
        """
    private static let standards = """
        - name: PodSecurity
          configuration:
            apiVersion: pod-security.admission.config.k8s.io/v1
            kind: PodSecurityConfiguration
            defaults: {enforce: baseline, enforce-version: latest, warn: restricted}
            exemptions: {usernames: [alice], namespaces: [kube-system], runtimeClasses: []}
        """

    private func with(_ plugins: String, enable: [String] = [], _ body: (TestServer) async throws -> Void) async throws {
        let configuration = try AdmissionConfiguration(Self.file(plugins)) { _ in "" }
        let plugins = try AdmissionPlugins(enable: enable, disable: [], configuration: configuration)
        try await TestServer.with {
            $0.admission = plugins
        } _: { server in
            for namespace in ["default", "kube-system"] {
                await server.ask(.post, "/api/v1/namespaces/\(namespace)/serviceaccounts", ["metadata": ["name": "default"]])
            }
            try await body(server)
        }
    }

    @Test func eventsAreAsManyAsTheyMay() async throws {
        try await with(Self.limits, enable: ["EventRateLimit"]) { server in
            func event(_ name: String, in namespace: String) -> Value {
                [
                    "metadata": ["name": .string(name), "namespace": .string(namespace)],
                    "involvedObject": ["kind": "Pod", "namespace": .string(namespace), "name": "p"], "reason": "Tested", "type": "Normal",
                ]
            }
            for number in 0..<3 { #expect(await server.ask(.post, "\(namespace)/events", event("e\(number)", in: "default")).code == 201) }
            let refused = await server.ask(.post, "\(namespace)/events", event("e3", in: "default"))
            #expect(refused.code == 429)
            #expect(refused.message == "Too many requests: limit reached on type Namespace for key default")
            #expect(refused.reason == "TooManyRequests")
            #expect(await server.ask(.post, "\(namespace)/events?dryRun=All", event("e4", in: "default")).code == 201)
            #expect(await server.ask(.post, "/api/v1/namespaces/kube-system/events", event("e", in: "kube-system")).code == 201)
        }
    }

    @Test func anAllowanceFillsUpAgain() {
        let now = Mutex(Duration.zero)
        let buckets = TokenBuckets(perSecond: 2, burst: 3, most: 2) { now.withLock { $0 } }
        func taken(_ key: String) -> Int { (0..<10).count { _ in buckets.take(key) } }
        #expect(taken("a") == 3)
        now.withLock { $0 = .seconds(1) }
        #expect(taken("a") == 2)
        now.withLock { $0 = .seconds(100) }
        #expect(taken("a") == 3)
        #expect(taken("b") == 3)
        // The third makes the buckets forget the one that was used least recently.
        #expect(taken("c") == 3)
        #expect(taken("a") == 3)
    }

    @Test func podsAreJudgedByTheDefaults() async throws {
        try await with(Self.standards) { server in
            var pod = TestServer.pod("p")
            pod["spec"]["hostNetwork"] = true
            let refused = await server.ask(.post, "\(namespace)/pods", pod)
            #expect(refused.code == 403)
            #expect(refused.message.contains("violates PodSecurity \"baseline:latest\": host namespaces (hostNetwork=true)"))
            #expect(await server.ask(.post, "/api/v1/namespaces/kube-system/pods", pod).code == 201, "the namespace is exempt")
            let lax = await server.ask(.post, "\(namespace)/pods", TestServer.pod("q"))
            #expect(lax.code == 201)
            #expect(lax.warnings.contains("would violate PodSecurity \\\"restricted:latest\\\""), "\(lax.warnings)")
            #expect(
                await server.ask(
                    .patch, "/api/v1/namespaces/default",
                    ["metadata": ["labels": ["pod-security.kubernetes.io/enforce": "privileged"]]], type: "application/merge-patch+json"
                ).code == 200)
            #expect(await server.ask(.post, "\(namespace)/pods", pod).code == 201, "what a namespace says counts more than the defaults")
        }
    }

    @Test(
        arguments: [
            ("- name: Priority", "plugins[0].name: \"Priority\" takes no configuration"),
            ("- name: PodSecurity\n  colour: red", "unknown field \"plugins[0].colour\""),
            ("- name: PodSecurity\n- name: PodSecurity", "plugin \"PodSecurity\" is configured twice"),
            ("- path: x", "plugins[0].name: required"),
            ("- name: PodSecurity\n  path: missing", "plugins[0].path: missing: nothing there"),
            ("- name: [1]", "plugins[0].name: expected a string"), (" x", "plugins: expected a list"),
        ]) func aFileThatIsWrongIsRefused(_ plugins: String, _ message: String)
    {
        let problem = #expect(throws: ConfigurationProblem.self) {
            try AdmissionConfiguration(Self.file(plugins)) { _ in throw ConfigurationProblem("nothing there") }
        }
        #expect(problem?.description.hasPrefix(message) == true, "\(problem?.description ?? "")")
    }

    @Test(
        arguments: [
            ("EventRateLimit", "apiVersion: v1\nkind: Configuration", "no kind \"Configuration\" is registered for version \"v1\""),
            ("EventRateLimit", "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration", "limits: required"),
            (
                "EventRateLimit",
                "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits: [{type: Server, qps: 0, burst: 1}]",
                "limits[0].qps: must be positive"
            ),
            (
                "EventRateLimit", "apiVersion: eventratelimit.admission.k8s.io/v1alpha1\nkind: Configuration\nlimits: [{type: Pod}]",
                "limits[0].type: unsupported value \"Pod\": supported values: \"Server\", \"Namespace\", \"User\", \"SourceAndObject\""
            ),
            ("PodNodeSelector", "podNodeSelectorPluginConfig: {a: b}", "podNodeSelectorPluginConfig.a: invalid selector: [b]"),
            ("PodNodeSelector", "colour: red", "unknown field \"colour\""),
            (
                "PodTolerationRestriction",
                "apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1\nkind: Configuration\ndefault: [{key: a, effect: Never}]",
                "default[0].effect: unsupported value \"Never\""
            ),
            ("ImagePolicyWebhook", "imagePolicy: {}", "imagePolicy.kubeConfigFile: required"),
            (
                "ImagePolicyWebhook", "imagePolicy: {kubeConfigFile: there, denyTTL: 1801}",
                "imagePolicy.denyTTL: valid value is between 1 and 1800, got 1801"
            ),
            ("ImagePolicyWebhook", "imagePolicy: {kubeConfigFile: /nowhere}", "cannot read /nowhere"),
            (
                "PodSecurity",
                "apiVersion: pod-security.admission.config.k8s.io/v1\nkind: PodSecurityConfiguration\ndefaults: {enforce: strict}",
                "must be one of privileged, baseline, restricted"
            ),
        ]) func aMembersOwnConfigurationIsChecked(_ member: String, _ text: String, _ message: String) throws
    {
        let configuration = try AdmissionConfiguration(Self.file("- {name: \(member), path: there}")) { _ in text }
        let problem = #expect(throws: AdmissionPlugins.Problem.self) {
            try AdmissionPlugins(enable: [member], disable: [], configuration: configuration)
        }
        #expect(problem?.description.contains(message) == true, "\(problem?.description ?? "")")
    }

    @Test(arguments: [("1m30s", 90.0), ("250ms", 0.25), ("1.5h", 5400), ("-1s", -1), ("0", 0), ("1.0000000019s", 1.000000001)])
    func durations(
        _ text: String, _ seconds: Double
    ) {
        #expect(GoDuration.parse(text).map { $0 / .seconds(1) } == seconds)
    }
    @Test(arguments: ["", "1", "s", "1m30", "1 s", "99999999999h", "1.2.3s"]) func noDurations(_ text: String) {
        #expect(GoDuration.parse(text) == nil)
    }
    @Test(arguments: [
        ("x", "time: invalid duration \"x\""), ("5", "time: missing unit in duration \"5\""),
        ("1d", "time: unknown unit \"d\" in duration \"1d\""), ("-", "time: invalid duration \"-\""),
        ("2562048h", "time: invalid duration \"2562048h\""),
    ]) func goSaysWhy(_ text: String, _ why: String) {
        let problem = #expect(throws: GoDuration.Problem.self) { try GoDuration.nanoseconds(text) }
        #expect(problem?.description == why)
    }
}
