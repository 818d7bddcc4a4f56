import APIModel
import PluginAPI
import Testing

@testable import Scheduler

/// What the spec says in words, as policies get it.
@Suite struct PodArgumentsTests {
    private let columns = NodeColumns()

    private func lend(_ spec: Value, labels: [String: String] = [:], _ body: (apus_pod) -> Void) {
        var object = pod("p", spec: spec).value
        object["metadata"]["labels"] = Value(labels)
        let arguments = PodArguments(PodInfo(Object(object)), columns: columns)
        arguments.withPointer { body($0.pointee) }
    }

    private func text(_ number: apus_string) -> String { columns.strings.text(number) }

    /// `app In [web]; tier Exists []`
    private func text(_ selector: apus_selector) -> String? {
        guard selector.is_present != 0 else { return nil }
        let operators = [
            APUS_OPERATOR_IN: "In", APUS_OPERATOR_NOT_IN: "NotIn", APUS_OPERATOR_EXISTS: "Exists",
            APUS_OPERATOR_DOES_NOT_EXIST: "DoesNotExist",
        ]
        return UnsafeBufferPointer(start: selector.requirements, count: Int(selector.requirement_count)).map {
            let values = UnsafeBufferPointer(start: $0.values, count: Int($0.value_count)).map(text)
            return "\(text($0.key)) \(operators[$0.op] ?? "") \(values.joined(separator: ","))"
        }.joined(separator: "; ")
    }

    @Test func podTermsNameTheirNamespacesAndSelectors() {
        let terms: Value = [
            ["topologyKey": "zone", "labelSelector": ["matchLabels": ["app": "web"]]],
            [
                "topologyKey": "host", "namespaces": ["a", "b"], "namespaceSelector": [:],
                "labelSelector": ["matchExpressions": [["key": "tier", "operator": "NotIn", "values": ["x", "y"]]]],
                "matchLabelKeys": ["version", "absent"], "mismatchLabelKeys": ["tenant"],
            ],
        ]
        let spec: Value = ["affinity": ["podAffinity": ["requiredDuringSchedulingIgnoredDuringExecution": terms]]]
        lend(spec, labels: ["version": "2", "tenant": "t"]) { pod in
            #expect(pod.affinity_count == 2 && pod.anti_affinity_count == 0 && pod.label_count == 2)
            let (own, other) = (pod.affinity![0], pod.affinity![1])
            #expect(text(own.topology_key) == "zone" && own.namespace_count == 1 && own.namespaces![0] == pod.namespace_string)
            #expect(text(own.selector) == "app In web" && text(own.namespace_selector) == nil)
            #expect(other.namespace_count == 2 && text(other.namespaces![1]) == "b" && text(other.namespace_selector) == "")
            #expect(text(other.selector) == "tier NotIn x,y; version In 2; tenant NotIn t")
        }
    }

    @Test func preferredTermsHaveTheirWeight() {
        let spec: Value = [
            "affinity": [
                "podAntiAffinity": [
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        ["weight": 30, "podAffinityTerm": ["topologyKey": "host", "labelSelector": ["matchLabels": ["app": "web"]]]]
                    ]
                ]
            ]
        ]
        lend(spec) { pod in
            #expect(pod.preferred_anti_affinity_count == 1 && pod.preferred_anti_affinity![0].weight == 30)
            #expect(text(pod.preferred_anti_affinity![0].selector) == "app In web")
        }
    }

    @Test func spreadConstraintsHaveUpstreamsDefaults() {
        let spec: Value = [
            "topologySpreadConstraints": [
                ["maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"],
                [
                    "maxSkew": 1, "topologyKey": "host", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 3,
                    "nodeAffinityPolicy": "Ignore", "nodeTaintsPolicy": "Honor", "labelSelector": [:], "matchLabelKeys": ["app"],
                ],
            ]
        ]
        lend(spec, labels: ["app": "web"]) { pod in
            let (first, second) = (pod.spread![0], pod.spread![1])
            #expect(first.max_skew == 2 && first.min_domains == 1 && first.is_required == 1)
            #expect(first.honors_affinity == 1 && first.honors_taints == 0 && text(first.selector) == nil)
            #expect(second.is_required == 0 && second.min_domains == 3 && second.honors_affinity == 0 && second.honors_taints == 1)
            #expect(text(second.selector) == "app In web")
        }
    }

    @Test func imagesAndClaimsAreNamedAsOthersNameThem() {
        let spec: Value = [
            "preemptionPolicy": "Never", "initContainers": [["image": "registry:5000/tool"]],
            "containers": [["image": "web:1"], ["image": "web:1"], ["image": "web@sha256:12"]],
            "volumes": [["name": "a", "persistentVolumeClaim": ["claimName": "data"]], ["name": "b", "ephemeral": [:]], ["name": "c"]],
        ]
        lend(spec) { pod in
            let images = UnsafeBufferPointer(start: pod.images, count: Int(pod.image_count)).map { "\(text($0.name)) \($0.uses)" }
            #expect(images == ["registry:5000/tool:latest 1", "web:1 2", "web@sha256:12 1"])
            #expect(UnsafeBufferPointer(start: pod.claims, count: Int(pod.claim_count)).map(text) == ["data", "p-b"])
            #expect(pod.may_preempt == 0)
        }
    }

    /// The numbers of a Pod's strings are given back with it: deciding the same Pods again and again fills nothing.
    @Test func aDecisionLeavesNoStringsBehind() {
        let count = columns.strings.count
        for number in 0..<20_000 { lend(["nodeSelector": ["key-\(number)": "value"], "containers": [["image": "i\(number)"]]]) { _ in } }
        #expect(columns.strings.count < count + 3 * StringTable.worthwhile)
    }
}
