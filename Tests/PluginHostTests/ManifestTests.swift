import APIModel
import Client
import Foundation
import Testing

@testable import PluginHost

@Suite struct ManifestTests {
    private static let good = """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: deployment}
        spec:
          kind: Controller
          library: libcontrollers-workloads.so
          required: true
          config: {pace: 3}
          controller: {for: [apps/v1/deployments], owns: [apps/v1/replicasets], watches: [{resource: v1/pods, map: SameName}], workers: 4}
          rules:
            - {apiGroups: [apps], resources: ["*"], verbs: ["*"]}
            - {apiGroups: [""], resources: [pods], verbs: [get, list, watch]}
        """

    private func read(_ text: String) throws -> PluginManifest { try ManifestReader(file: "x.yaml").manifest(try YAML.decode(text)[0]) }

    @Test func readsAllOfIt() throws {
        let manifest = try read(Self.good)
        #expect(manifest.name == "deployment" && manifest.component == "deployment" && manifest.user == "system:plugin:deployment")
        #expect(manifest.kind == .controller && manifest.required && manifest.enabled)
        #expect(manifest.config == ["pace": 3])
        #expect(manifest.controller?.workers == 4)
        #expect(manifest.controller?.watched.map(\.description) == ["apps/v1/deployments", "apps/v1/replicasets", "v1/pods"])
        #expect(manifest.rules.count == 2)
    }

    @Test func readsWhatWakesAController() throws {
        let watches = """
            watches:
                - {resource: v1/pods, map: Owner, through: apps/v1/replicasets, events: [Modified, Deleted], changes: [status.phase]}
                - {resource: v1/pods, map: Selector, labelSelector: "app,tier=front"}
                - {resource: v1/pods, map: Selector, field: spec.podSelector}
                - {resource: v1/pods, map: Field, field: spec.nodeName, fieldSelector: "metadata.namespace!=kube-system"}
                - {resource: v1/pods, map: Index, field: "metadata.labels['node']"}
                - {resource: v1/pods, map: Owner}
                - {resource: v1/pods, inNamespacesWith: apps/v1/deployments}
                indexes: [{resource: v1/pods, field: spec.nodeName}, {resource: v1/pods, label: app}, {resource: v1/pods, label: "*"}]
            """.replacingOccurrences(of: "\n    indexes", with: "\nindexes").replacingOccurrences(of: "\n", with: "\n    ")
        let controller =
            "controller:\n    for: [apps/v1/deployments]\n    filter: {changes: [spec]}\n    owns: [apps/v1/replicasets]\n    \(watches)"
        let text = Self.good.replacing(/controller: .*workers: 4}/, with: controller)
        let manifest = try #require(try read(text).controller)
        let (deployments, sets, pods): (GroupVersionResource, GroupVersionResource, GroupVersionResource) = (
            manifest.for[0], manifest.owns[0], .pods
        )
        func path(_ text: String) -> ObjectPath { ObjectPath(text)! }
        #expect(manifest.filter.changes == [path("spec")])
        #expect(
            manifest.watches.map(\.map) == [
                .owner(through: sets), .selector(path("spec.selector")), .selector(path("spec.podSelector")), .field(path("spec.nodeName")),
                .index(path("metadata.labels['node']")), .owner(through: nil), .plugin,
            ])
        #expect(manifest.watches[0].filter.events == [.modified, .deleted] && manifest.watches[0].filter.changes == [path("status.phase")])
        #expect(manifest.watches[1].filter.labels == (try LabelSelector(parsing: "app,tier=front")))
        #expect(
            manifest.watches[3].filter.fields == [
                WatchFilter.FieldTest(path: path("metadata.namespace"), isEqual: false, value: "kube-system")
            ])
        #expect(manifest.watches.map(\.inNamespacesWith) == Array(repeating: nil, count: 6) + [deployments])
        #expect(manifest.indexes.map(\.by) == [.field(path("spec.nodeName")), .label("app"), .labels])
        #expect(manifest.watched == [deployments, sets, pods])
        #expect(
            manifest.neededIndexes.subtracting(manifest.indexes) == [
                .init(resource: sets, by: .orphans), .init(resource: deployments, by: .selector(path("spec.selector"))),
                .init(resource: deployments, by: .selector(path("spec.podSelector"))),
                .init(resource: deployments, by: .field(path("metadata.labels['node']"))),
            ])
    }

    private static let policy = """
        apiVersion: plugins.apus.dev/v1alpha1
        kind: Plugin
        metadata: {name: latency}
        spec:
          kind: SchedulerPolicy
          library: liblatency.so
          policy: {watches: [{resource: v1/nodes, changes: ["metadata.annotations['a/b']"]}, {resource: v1/pods, labelSelector: gang}]}
          rules: [{apiGroups: [""], resources: [nodes, pods], verbs: [get, list, watch]}]
        """

    @Test func readsWhatAPolicyObserves() throws {
        let watches = try #require(try read(Self.policy).policy?.watches)
        #expect(watches.map(\.resource) == [.nodes, .pods])
        #expect(watches[0].filter.changes == [ObjectPath("metadata.annotations['a/b']")!])
        #expect(watches[1].filter.labels == (try LabelSelector(parsing: "gang")))
    }

    @Test(arguments: [
        ("labelSelector: gang", "map: SameName", "spec.policy.watches[1].map"),
        ("v1/pods", "pods", "spec.policy.watches[1].resource: \"pods\" is not of the form"),
        ("[nodes, pods]", "[nodes]", "spec.rules: must grant get, list and watch of v1/pods, which spec.policy watches"),
        ("watches:", "looks:", "spec.policy"),
        ("kind: SchedulerPolicy", "kind: Runtime", "spec.policy: only a SchedulerPolicy has it"),
    ])
    func refusesWhatAPolicyCannotObserve(_ good: String, _ bad: String, _ problem: String) throws {
        let error = try #require(throws: PluginError.self) { try read(Self.policy.replacingOccurrences(of: good, with: bad)) }
        #expect(error.message.hasPrefix(problem), "\(error.message)")
    }

    @Test(arguments: [
        ("map: SameName", "map: Field", "spec.controller.watches[0].field: map Field needs it"),
        ("map: SameName", "map: Index", "spec.controller.watches[0].field: map Index needs it"),
        ("map: SameName", "map: SameName, field: spec.x", "spec.controller.watches[0].field: map SameName has no use for it"),
        ("map: SameName", "map: Field, field: .x", "spec.controller.watches[0].field: \".x\" is not a path such as spec.nodeName"),
        ("map: SameName", "through: v1/nodes", "spec.controller.watches[0].through: map Plugin has no use for it"),
        ("map: SameName", "map: Owner, through: v1/nodes", "spec.rules: must grant get, list and watch of v1/nodes"),
        ("map: SameName", "labelSelector: \"a b\"", "spec.controller.watches[0].labelSelector: "),
        ("map: SameName", "fieldSelector: \"a b\"", "spec.controller.watches[0].fieldSelector: "),
        ("map: SameName", "events: [Changed]", "spec.controller.watches[0].events[0]: \"Changed\" is none of Added, Modified, Deleted"),
        (
            "map: SameName", "inNamespacesWith: v1/nodes",
            "spec.controller.watches[0].inNamespacesWith: v1/nodes is not under spec.controller.for"
        ),
        ("map: SameName", "changes: [a..b]", "spec.controller.watches[0].changes[0]: \"a..b\" is not a path"),
        ("v1/pods, map: SameName", "\"*\"", "spec.controller.watches[0].resource: only with map Ownership can it be \"*\""),
        ("v1/pods, map: SameName", "\"*\", map: Ownership", "spec.rules: must grant get, list and watch of all resources in all groups"),
        ("workers: 4", "indexes: [{resource: v1/pods}]", "spec.controller.indexes[0]: must have either a field or a label"),
        (
            "workers: 4", "indexes: [{resource: v1/pods, field: a, label: b}]",
            "spec.controller.indexes[0]: must have either a field or a label"
        ),
        ("workers: 4", "indexes: [{resource: v1/nodes, label: a}]", "spec.rules: must grant get, list and watch of v1/nodes"),
    ])
    func refusesWhatWakesNobody(_ old: String, _ new: String, _ sentence: String) throws {
        let error = try #require(throws: PluginError.self) { try read(Self.good.replacingOccurrences(of: old, with: new)) }
        #expect(error.code == .invalidManifest && error.message.contains(sentence), "\(error.message)")
    }

    @Test func leavesOutWhatItDoesNotSay() throws {
        let manifest = try read(Self.good)
        #expect(manifest.sha256 == nil && manifest.isolation == .none && manifest.mode == .active && manifest.replaces == nil)
        #expect(manifest.deadline == nil && manifest.limits == PluginManifest.Limits() && manifest.generation == nil)
    }

    @Test func readsHowAndInWhosePlaceItRuns() throws {
        let pin = String(repeating: "0a", count: 32)
        let text = Self.good.replacingOccurrences(
            of: "required: true",
            with:
                "sha256: \(pin)\n  isolation: Process\n  replaces: old-deployment\n  deadlineSeconds: 7\n  limits: {memory: 256Mi, openFiles: 300}"
        )
        let manifest = try read(text)
        #expect(
            manifest.sha256 == pin && manifest.isolation == .process && manifest.replaces == "old-deployment"
                && manifest.deadline == .seconds(7))
        #expect(manifest.limits.memory == 256 << 20 && manifest.limits.openFiles == 300)
    }

    @Test func readsAShadow() throws {
        let policy: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "candidate"],
            "spec": ["kind": "SchedulerPolicy", "library": "libp.so", "mode": "Shadow", "replaces": "default", "weight": 3],
        ]
        let manifest = try PluginManifest(object: policy)
        #expect(manifest.mode == .shadow && manifest.replaces == "default" && manifest.weight == 3 && manifest.file.isEmpty)
    }

    private static func admission(_ change: (inout Value) -> Void = { _ in }) -> Value {
        var object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "judge"],
            "spec": [
                "kind": "Admission", "library": "libj.so",
                "admission": ["rules": [["operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]]]],
            ],
        ]
        change(&object["spec"]["admission"])
        return object
    }

    @Test func readsWhatAnAdmissionPluginIsFor() throws {
        let plain = try #require(try PluginManifest(object: Self.admission()).admission)
        #expect(plain.failsClosed && plain.phases == nil && !plain.isReinvoked)
        #expect(plain.match == Self.admission()["spec"]["admission"])
        let whole = try PluginManifest(
            object: Self.admission { admission in
                admission["failurePolicy"] = "Ignore"
                admission["phases"] = ["Mutate"]
                admission["reinvocationPolicy"] = "IfNeeded"
                admission["objectSelector"] = ["matchLabels": ["app": "cart"]]
            }
        ).admission
        #expect(whole?.failsClosed == false && whole?.phases == [.mutate] && whole?.isReinvoked == true)
        #expect(whole?.match["objectSelector"]["matchLabels"]["app"].string == "cart" && whole?.match["phases"].isNull == true)
    }

    @Test(
        arguments: [
            ("rules", [], "spec.admission.rules: must name at least one resource"),
            ("rules", [["operations": ["CREATE"]]], "spec.admission.rules[0].apiGroups: Required value"),
            (
                "rules", [["operations": ["PATCH"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"]]],
                "spec.admission.rules[0].operations[0]: Unsupported value: \"PATCH\": supported values: \"*\", \"CONNECT\", \"CREATE\""
            ),
            (
                "rules", [["operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*"], "scope": "Here"]],
                "spec.admission.rules[0].scope: Unsupported value: \"Here\""
            ),
            ("failurePolicy", "Perhaps", "spec.admission.failurePolicy: Unsupported value: \"Perhaps\""),
            ("phases", ["Before"], "spec.admission.phases[0]: \"Before\" is none of Mutate, Validate"),
            ("rules", [["operation": ["CREATE"]]], "spec.admission.rules[0].operation: unknown key"),
            ("rules", "all", "spec.admission.rules: must be a list"),
            ("failurePolicy", 7, "spec.admission: MutatingWebhook in version \"v1\" cannot be handled as a MutatingWebhook"),
            ("matchPolicy", "Some", "spec.admission.matchPolicy: Unsupported value: \"Some\""),
            ("matchConditions", [["name": "a"]], "spec.admission.matchConditions[0].expression: Required value"),
            ("sideEffects", "None", "spec.admission.sideEffects: unknown key; known here are rules, matchPolicy"),
            (
                "namespaceSelector", ["matchExpressions": [["key": "a", "operator": "Near"]]],
                "spec.admission.namespaceSelector.matchExpressions[0].operator: "
            ),
        ] as [(String, Value, String)])
    func refusesWhatNoAdmissionPluginIsFor(_ field: String, _ value: Value, _ sentence: String) throws {
        let error = try #require(throws: PluginError.self) { try PluginManifest(object: Self.admission { $0[field] = value }) }
        #expect(error.message.hasPrefix(sentence), "\(error.message)")
    }

    @Test func onlyAnAdmissionHasRequests() throws {
        var object = Self.admission()
        object["spec"]["kind"] = "Proxy"
        let other = try #require(throws: PluginError.self) { try PluginManifest(object: object) }
        #expect(other.message == "spec.admission: only an Admission has it")
        object = Self.admission()
        object["spec"]["admission"] = .null
        let none = try #require(throws: PluginError.self) { try PluginManifest(object: object) }
        #expect(none.message == "spec.admission: an Admission must say which requests it is for")
    }

    @Test func readsAServedObject() throws {
        let object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin",
            "metadata": [
                "name": "p", "uid": "1", "resourceVersion": "7", "generation": 4, "managedFields": [],
                "creationTimestamp": "2026-01-01T00:00:00Z",
            ],
            "spec": ["kind": "Proxy", "library": "libp.so"], "status": ["state": "Running"],
        ]
        #expect(try PluginManifest(object: object).generation == 4)
    }

    @Test func anObjectsErrorStartsWithTheField() throws {
        let object: Value = [
            "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin", "metadata": ["name": "p"],
            "spec": ["kind": "Proxy", "library": "a/b.so"],
        ]
        let error = try #require(throws: PluginError.self) { try PluginManifest(object: object) }
        #expect(error.plugin == "p" && error.message == "spec.library: \"a/b.so\" must be a file name without a directory")
    }

    @Test(arguments: [
        ("required: true", "requried: true", "spec.requried: unknown key; known here are kind, library"),
        ("workers: 4", "runsOn: Moon", "spec.controller.runsOn: \"Moon\" is none of Cluster, Node"),
        ("workers: 4", "worker: 4", "spec.controller.worker: unknown key"),
        ("workers: 4", "filter: {change: [spec]}", "spec.controller.filter.change: unknown key; known here are labelSelector"),
        ("workers: 4", "filter: {events: [Born]}", "spec.controller.filter.events[0]: \"Born\" is none of Added, Modified, Deleted"),
        (
            "map: SameName", "map: Sideways",
            "spec.controller.watches[0].map: \"Sideways\" is none of Plugin, SameName, Owner, Ownership, Selector, Index, Field"
        ),
        ("kind: Controller", "kind: Gadget", "spec.kind: \"Gadget\" is none of"),
        ("libcontrollers-workloads.so", "../evil.so", "spec.library: \"../evil.so\" must be a file name without a directory"),
        ("name: deployment}", "name: De_ploy}", "metadata.name: \"De_ploy\" is not a DNS label"),
        ("required: true", "required: yes please", "spec.required: must be true or false"),
        ("required: true", "weight: 3", "spec.weight: only a SchedulerPolicy has a weight"),
        ("config: {pace: 3}", "config: [3]", "spec.config: must be an object"),
        ("for: [apps/v1/deployments]", "for: [deployments]", "spec.controller.for[0]: \"deployments\" is not of the form"),
        ("verbs: [get, list, watch]", "verbs: [get, list]", "spec.rules: must grant get, list and watch of v1/pods"),
        ("verbs: [get, list, watch]", "verbs: []", "spec.rules[1].verbs: must not be empty"),
        ("plugins.apus.dev/v1alpha1", "plugins.apus.dev/v9", "apiVersion: must be plugins.apus.dev/v1alpha1, not \"plugins.apus.dev/v9\""),
        ("kind: Plugin", "kind: Plug", "kind: must be Plugin, not \"Plug\""),
        ("required: true", "sha256: abc", "spec.sha256: must be 64 hexadecimal digits in lower case"),
        ("required: true", "sha256: \(String(repeating: "A", count: 64))", "spec.sha256: must be 64 hexadecimal digits in lower case"),
        ("required: true", "isolation: Thread", "spec.isolation: \"Thread\" is none of None, Process"),
        ("required: true", "mode: Quiet", "spec.mode: \"Quiet\" is none of Active, Shadow"),
        ("required: true", "mode: Shadow", "spec.mode: only a SchedulerPolicy or an Admission can be a shadow"),
        ("required: true", "replaces: Dep_loyment", "spec.replaces: \"Dep_loyment\" is not a DNS label"),
        ("required: true", "replaces: deployment", "spec.replaces: a plugin cannot replace itself"),
        ("required: true", "deadlineSeconds: 0", "spec.deadlineSeconds: must be a number from 1 to 3600"),
        ("required: true", "limits: {memory: 64Mi}", "spec.limits: only a plugin with isolation Process can be limited"),
        ("required: true", "isolation: Process, limits: {memory: lots}", "spec.limits.memory: must be a quantity from 1Mi to 1Pi"),
        ("required: true", "isolation: Process, limits: {memory: 64}", "spec.limits.memory: must be a quantity from 1Mi to 1Pi"),
        ("required: true", "isolation: Process, limits: {memory: 2Pi}", "spec.limits.memory: must be a quantity from 1Mi to 1Pi"),
        ("required: true", "isolation: Process, limits: {cpu: 1m}", "spec.limits.cpu: must be a quantity from 10m to 1024"),
        ("required: true", "isolation: Process, limits: {cpu: 2k}", "spec.limits.cpu: must be a quantity from 10m to 1024"),
        ("required: true", "isolation: Process, limits: {processes: -1}", "spec.limits.processes: must be a number from 0 to 65536"),
        ("required: true", "isolation: Process, limits: {openFiles: 3}", "spec.limits.openFiles: must be a number from 16 to 1048576"),
        ("required: true", "isolation: Process, limits: {gpu: 1}", "spec.limits.gpu: unknown key"),
        ("metadata: {name: deployment}", "metadata: {name: deployment, uid: x}", "metadata.uid: unknown key"),
    ])
    func refuses(_ old: String, _ new: String, _ sentence: String) throws {
        let new = new.replacingOccurrences(of: ", limits", with: "\n  limits")
        let error = try #require(throws: PluginError.self) { try read(Self.good.replacingOccurrences(of: old, with: new)) }
        #expect(error.code == .invalidManifest && error.plugin == "x.yaml")
        #expect(error.message.contains(sentence), "\(error.message)")
    }

    @Test func twoOfOneNameAreRefused() throws {
        let workshop = try Workshop()
        try workshop.manifest("a", Self.good)
        try workshop.manifest("b", Self.good)
        let error = try #require(throws: PluginError.self) { try PluginManifest.read(directory: workshop.directory) }
        #expect(error.code == .duplicateName && error.message.contains("a.yaml") && error.message.contains("b.yaml"))
    }

    @Test func theDefaultSetIsGood() throws {
        let manifests = try PluginManifest.read(directory: Workshop.root + "/plugin-manifests")
        #expect(manifests.count >= 16)
        #expect(manifests.filter { $0.kind == .runtime && $0.enabled }.map(\.name) == ["runtime-cri"])
    }
}
