import APIModel
import PluginHost
import Testing

@testable import Host

@Suite struct ManifestCheckTests {
    private static let controller: Value = [
        "apiVersion": "plugins.apus.dev/v1alpha1", "kind": "Plugin",
        "metadata": ["name": "c", "uid": "u", "resourceVersion": "7", "generation": 2],
        "spec": [
            "kind": "Controller", "library": "libc.so", "controller": ["for": ["v1/namespaces"]],
            "rules": [["apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch"]]],
        ],
        "status": ["state": "Running"],
    ]

    @Test func anObjectAsTheAPIServesItIsFine() { #expect(ManifestCheck.errors(Self.controller) == []) }

    @Test func refusalsNameTheFieldAndItsValue() throws {
        var heavy = Self.controller
        heavy["spec"]["weight"] = 3
        #expect(ManifestCheck.errors(heavy).map(\.message) == ["spec.weight: Invalid value: 3: only a SchedulerPolicy has a weight"])
        var elsewhere = Self.controller
        elsewhere["spec"]["library"] = "../libc.so"
        #expect(ManifestCheck.errors(elsewhere).first?.message.hasPrefix(#"spec.library: Invalid value: "../libc.so": "#) == true)
        var deep = Self.controller
        deep["spec"]["controller"]["for"] = ["v1/namespaces", "pods"]
        #expect(ManifestCheck.errors(deep).map(\.field) == ["spec.controller.for[1]"])
        #expect(ManifestCheck.errors(deep).first?.badValue == "pods")
        var blind = Self.controller
        blind["spec"]["rules"] = .null
        #expect(ManifestCheck.errors(blind).map(\.type) == [.required] && ManifestCheck.errors(blind).map(\.field) == ["spec.rules"])
    }
}

@Suite struct StatusValueTests {
    @Test(arguments: [
        (Duration.nanoseconds(0), "0ns"), (.nanoseconds(850), "850ns"), (.nanoseconds(1_000), "1µs"), (.nanoseconds(3_450), "3.4µs"),
        (.nanoseconds(12_345), "12µs"),
        (.microseconds(999), "999µs"), (.microseconds(1_250), "1.2ms"), (.milliseconds(75), "75ms"), (.seconds(2), "2s"),
        (.seconds(90), "90s"),
    ]) func durations(duration: Duration, text: String) { #expect(StatusValue.duration(duration) == text) }

    /// What nobody could read fails, and says of which state of the object it speaks.
    @Test func anObjectThatCannotBeReadSaysSo() {
        let status = StatusValue(unreadable: "spec.mode: is odd", generation: 4, since: "2026-01-02T03:04:05Z").value
        #expect(status["state"] == "Failed" && status["reason"] == "spec.mode: is odd" && status["observedGeneration"] == 4)
        #expect(status["conditions"][0]["type"] == "Ready" && status["conditions"][0]["status"] == "False")
    }
}
