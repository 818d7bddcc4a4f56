import APIModel
import Client
import Foundation
import HTTPTypes
import OrderedCollections
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

    private static let limited = """
        - name: ResourceQuota
          configuration:
            apiVersion: apiserver.config.k8s.io/v1
            kind: ResourceQuotaConfiguration
            limitedResources:
            - {resource: pods, matchScopes: [{scopeName: PriorityClass, operator: In, values: [dear]}]}
            - {resource: persistentvolumeclaims, matchContains: [gold.storageclass.storage.k8s.io/requests.storage]}
        """

    /// What is limited is for those alone whose namespace has a quota that counts it.
    @Test func whatIsLimitedNeedsAQuota() async throws {
        try await with(Self.limited) { server in
            await server.ask(
                .post, "/apis/scheduling.k8s.io/v1/priorityclasses", ["metadata": ["name": "dear"], "value": 100])
            func pod(_ name: String, _ priority: Value) -> Value {
                var pod = TestServer.pod(name)
                pod["spec"]["priorityClassName"] = priority
                return pod
            }
            func claim(_ name: String, _ storageClass: String) -> Value {
                [
                    "metadata": ["name": .string(name)],
                    "spec": [
                        "storageClassName": .string(storageClass), "accessModes": ["ReadWriteOnce"],
                        "resources": ["requests": ["storage": "1Gi"]],
                    ],
                ]
            }
            func quota(_ name: String, _ hard: Value, _ selector: Value = .null) async {
                let spec: Value = ["hard": hard, "scopeSelector": selector]
                await server.ask(.post, "\(namespace)/resourcequotas", ["metadata": ["name": .string(name)], "spec": spec])
                let used = Value.object(hard.fields.mapValues { _ in "0" })
                await server.ask(
                    .patch, "\(namespace)/resourcequotas/\(name)/status", ["status": ["hard": hard, "used": used]],
                    type: "application/merge-patch+json")
            }
            #expect(await server.ask(.post, "\(namespace)/pods", pod("cheap", .null)).code == 201)
            let dear = await server.ask(.post, "\(namespace)/pods", pod("dear", "dear"))
            #expect(dear.code == 500 && dear.message == "insufficient quota to match these scopes: [{PriorityClass In [dear]}]")
            #expect(await server.ask(.post, "\(namespace)/persistentvolumeclaims", claim("a", "silver")).code == 201)
            let gold = await server.ask(.post, "\(namespace)/persistentvolumeclaims", claim("b", "gold"))
            #expect(
                gold.message
                    == "persistentvolumeclaims \"b\" is forbidden: insufficient quota to consume: gold.storageclass.storage.k8s.io/requests.storage"
            )
            let key: Value = ["scopeName": "PriorityClass", "operator": "In", "values": ["dear", "more"]]
            await quota("pods", ["pods": "1"], ["matchExpressions": [key]])
            await quota("gold", ["gold.storageclass.storage.k8s.io/requests.storage": "1Gi"])
            #expect(await server.ask(.post, "\(namespace)/pods?dryRun=All", pod("dear", "dear")).code == 201)
            #expect(await server.ask(.post, "\(namespace)/pods", pod("dear", "dear")).code == 201)
            #expect(await server.ask(.post, "\(namespace)/pods", pod("dearer", "dear")).message.contains("exceeded quota: pods"))
            #expect(await server.ask(.post, "\(namespace)/persistentvolumeclaims", claim("b", "gold")).code == 201)
            #expect(await server.ask(.post, "\(namespace)/persistentvolumeclaims", claim("c", "gold")).code == 403)
        }
    }

    /// Who is shown to a webhook.
    @Test(
        arguments: [
            ("hook.shop.svc", 443, "exact"), ("hook.shop.svc", 8443, "exact port"), ("other.shop.svc", 443, "shop"),
            ("other.shop.svc", 8443, "all"), ("a.b.example.com", 443, "example"), ("a.b.example.com", 444, "example port"),
            ("example.com", 443, "all"),
        ]) func aWebhookIsShownTheUserNamedAfterIt(_ host: String, _ port: Int, _ expected: String) throws
    {
        func user(_ name: String) -> KubeconfigUser { KubeconfigUser(certificate: [], key: [], authorization: name) }
        let credentials = WebhookCredentials([
            "hook.shop.svc": user("exact"), "hook.shop.svc:8443": user("exact port"), "*.shop.svc": user("shop"), "*": user("all"),
            "*.example.com": user("example"), "*.example.com:444": user("example port"),
        ])
        #expect(credentials.user(host: host, port: port)?.authorization == expected)
        #expect(WebhookCredentials([:], current: user("current")).user(host: host, port: port)?.authorization == "current")
        #expect(WebhookCredentials().user(host: host, port: port) == nil)
    }

    @Test func aWebhookHearsWhoAsks() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("hooks-\(UniqueID.make())").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try await WebhookServer.with { _ in
            ["allowed": true]
        } _: { hooks in
            try "users: [{name: '127.0.0.1:\(hooks.port)', user: {token: it-is-me}}]".write(
                toFile: file, atomically: true, encoding: .utf8)
            let plugin = """
                - name: ValidatingAdmissionWebhook
                  configuration:
                    {apiVersion: apiserver.config.k8s.io/v1, kind: WebhookAdmissionConfiguration, kubeConfigFile: "\(file)"}
                """
            try await with(plugin) { server in
                for (kind, expected) in [("mutating", nil), ("validating", "Bearer it-is-me")] as [(String, String?)] {
                    let path = "/apis/admissionregistration.k8s.io/v1/\(kind)webhookconfigurations"
                    await server.ask(.post, path, ["metadata": ["name": "c"], "webhooks": [hooks.hook()]])
                    #expect(await server.ask(.post, "\(namespace)/configmaps", TestServer.configMap(kind)).code == 201)
                    #expect(hooks.authorization == expected)
                    await server.ask(.delete, "\(path)/c")
                }
            }
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
                "ResourceQuota", "apiVersion: apiserver.config.k8s.io/v1\nkind: ResourceQuotaConfiguration\nlimitedResources: [{}]",
                "limitedResources[0].resource: required"
            ),
            ("ResourceQuota", "apiVersion: v1\nkind: Configuration", "expected Configuration of resourcequota.admission.k8s.io/v1beta1"),
            (
                "MutatingAdmissionWebhook",
                "apiVersion: apiserver.config.k8s.io/v1\nkind: WebhookAdmissionConfiguration\nkubeConfigFile: here",
                "kubeConfigFile: must be an absolute file path"
            ),
            (
                "ValidatingAdmissionWebhook",
                "apiVersion: apiserver.config.k8s.io/v1alpha1\nkind: WebhookAdmission\nkubeConfigFile: /nowhere",
                "kubeConfigFile: cannot read /nowhere"
            ),
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
