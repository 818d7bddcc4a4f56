import APIModel
import Testing

@testable import ControllerAttachDetach

@Suite struct AttachPlanTests {
    private static func volume(_ modes: String..., handle: Value = "h") -> Value {
        [
            "metadata": ["name": "pv"],
            "spec": ["csi": ["driver": "d.example.com", "volumeHandle": handle], "accessModes": Value(modes)],
        ]
    }

    private static func attachment(_ node: String, attached: Bool = true, ending: Bool = false, name: String? = nil) throws -> Value {
        let volume = try #require(AttachableVolume(volume()))
        return [
            "metadata": ["name": .string(name ?? volume.attachmentName(node)), "deletionTimestamp": ending ? "now" : .null],
            "spec": ["nodeName": .string(node)], "status": ["attached": .bool(attached)],
        ]
    }

    private static func plan(
        _ modes: String = "ReadWriteOnce", wanted: [String], _ attachments: [Value], inUse: Set<String> = []
    ) throws -> AttachPlan {
        let volume = try #require(AttachableVolume(volume(modes)))
        var plan = AttachPlan(volume, wanted: wanted, attachments: attachments) { !inUse.contains($0) }
        // Names are long; nodes are what they stand for.
        func node(_ name: String) -> String { ["a", "b", "c"].first { volume.attachmentName($0) == name } ?? name }
        plan.detach = plan.detach.map(node)
        plan.hold = plan.hold.map(node)
        return plan
    }

    @Test func names() throws {
        let volume = try #require(AttachableVolume(Self.volume()))
        #expect(volume.attachmentName("n1") == "csi-bf00c1a8390d248b3d2cf999edcf90407ea15c756d80e7f004a227d25e1a3492")
        #expect(volume.uniqueName == "kubernetes.io/csi/d.example.com^h")
        #expect(AttachableVolume(["spec": ["hostPath": ["path": "/"]]]) == nil)
    }

    @Test(
        arguments: [
            (["ReadWriteOnce"], false), (["ReadWriteOncePod"], false), (["ReadWriteOnce", "ReadOnlyMany"], true), (["ReadWriteMany"], true),
            ([], true),
        ] as [([String], Bool)])
    func sharing(modes: [String], isShared: Bool) {
        var object = Self.volume()
        object["spec"]["accessModes"] = Value(modes)
        #expect(AttachableVolume(object)?.isShared == isShared)
    }

    @Test func whatIsNeededIsAttachedOnce() throws {
        #expect(try Self.plan(wanted: ["a"], []) == expected(attach: ["a"]))
        #expect(try Self.plan(wanted: ["a"], [Self.attachment("a", attached: false)]) == expected(reported: ["a": false]))
        #expect(try Self.plan(wanted: ["a"], [Self.attachment("a")]) == expected(reported: ["a": true]))
        #expect(
            try Self.plan(wanted: ["a"], [Self.attachment("a", ending: true)]) == expected(reported: ["a": false]),
            "one that goes is waited for")
    }

    @Test func oneNodeAtATimeUnlessItIsShared() throws {
        #expect(try Self.plan(wanted: ["b", "a"], []) == expected(attach: ["b"], refuse: ["a"]))
        #expect(try Self.plan("ReadWriteMany", wanted: ["b", "a"], []) == expected(attach: ["b", "a"]))
        #expect(
            try Self.plan(wanted: ["b"], [Self.attachment("a")]) == expected(refuse: ["b"], detach: ["a"], reported: ["a": false]),
            "it goes first")
        #expect(try Self.plan(wanted: ["b"], [Self.attachment("a")], inUse: ["a"]) == expected(refuse: ["b"], hold: ["a"]))
        #expect(try Self.plan(wanted: ["b"], [Self.attachment("a", ending: true)]) == expected(refuse: ["b"], reported: ["a": false]))
        #expect(
            try Self.plan("ReadOnlyMany", wanted: ["b"], [Self.attachment("a")])
                == expected(attach: ["b"], detach: ["a"], reported: ["a": false]))
    }

    /// One by another name is somebody else's.
    @Test func othersAttachmentsAreLeftAlone() throws {
        #expect(try Self.plan(wanted: [], [Self.attachment("a", name: "mine")]) == expected())
        #expect(try Self.plan(wanted: ["b"], [Self.attachment("a", name: "mine")]) == expected(refuse: ["b"]))
        #expect(try Self.plan(wanted: ["a"], [Self.attachment("a", name: "mine")]) == expected())
    }

    private func expected(
        attach: [String] = [], refuse: [String] = [], detach: [String] = [], hold: [String] = [], reported: [String: Bool] = [:]
    ) throws -> AttachPlan {
        var plan = try Self.plan(wanted: [], [])
        (plan.attach, plan.refuse, plan.detach, plan.hold, plan.reported) = (attach, refuse, detach, hold, reported)
        return plan
    }

    @Test(
        arguments: [
            (["nodeName": "a"], "Running", true), (.emptyObject, "Running", false), (["nodeName": "a"], "Succeeded", false),
            (["nodeName": "a"], "Failed", false),
        ] as [(Value, Value, Bool)])
    func whoNeedsIt(spec: Value, phase: Value, needs: Bool) {
        #expect(AttachDetachController.needsVolumes(["spec": spec, "status": ["phase": phase]]) == needs)
    }

    @Test func onesThatEndNeedItWhileSomethingRuns() {
        func pod(_ state: Value) -> Value {
            [
                "metadata": ["deletionTimestamp": "now"], "spec": ["nodeName": "a"],
                "status": ["phase": "Running", "containerStatuses": [["state": state]]],
            ]
        }
        #expect(AttachDetachController.needsVolumes(pod(["running": ["startedAt": "then"]])))
        #expect(!AttachDetachController.needsVolumes(pod(["terminated": ["exitCode": 0]])))
        #expect(!AttachDetachController.needsVolumes(pod(["waiting": ["reason": "x"]])))
    }
}
