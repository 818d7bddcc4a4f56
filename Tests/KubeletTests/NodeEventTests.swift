import APIModel
import OrderedCollections
import Testing

@testable import Kubelet

/// What is told of the Node itself.
@Suite struct NodeEventTests {
    @Test(
        arguments: [
            (.null, ["unschedulable": true], "NodeNotSchedulable"), (["unschedulable": true], .emptyObject, "NodeSchedulable"),
            (["unschedulable": true], ["unschedulable": true], nil), (.null, .emptyObject, nil),
        ] as [(Value, Value, String?)])
    func whetherPodsComeIsTold(_ before: Value, _ after: Value, _ reason: String?) {
        let events = RecordedEvents()
        NodeEvents(name: "node", events: events).changed(["spec": before], ["spec": after])
        for each in ["NodeNotSchedulable", "NodeSchedulable"] {
            #expect(events.message(each) == (each == reason ? "Node node status is now: \(each)" : nil))
        }
    }

    @Test(
        arguments: [
            (
                [:], ["MemoryPressure": "False", "PIDPressure": "True", "Ready": "True"],
                ["NodeHasInsufficientPID", "NodeHasSufficientMemory"]
            ),
            (["DiskPressure": "False"], ["DiskPressure": "True"], ["NodeHasDiskPressure"]),
            (["DiskPressure": "True"], ["DiskPressure": "False"], ["NodeHasNoDiskPressure"]),
            (["DiskPressure": "True"], ["DiskPressure": "True"], []),
            (["MemoryPressure": "False"], ["MemoryPressure": "True"], ["NodeHasInsufficientMemory"]),
        ] as [([String: String], [String: String], [String])])
    func whatTheNodeIsShortOfIsTold(_ before: [String: String], _ after: [String: String], _ reasons: [String]) {
        let events = RecordedEvents()
        func status(_ conditions: [String: String]) -> Value {
            ["conditions": .array(conditions.map { ["type": .string($0.key), "status": .string($0.value)] })]
        }
        NodeEvents(name: "node", events: events).pressed(before.isEmpty ? .null : status(before), status(after))
        #expect(events.reasons.sorted() == reasons)
        for reason in reasons { #expect(events.message(reason) == "Node node status is now: \(reason)") }
    }

    @Test(arguments: [("a", "b", true), ("a", "a", false), ("", "b", false)])
    func aMachineThatWasStartedAgainIsTold(_ before: String, _ after: String, _ isTold: Bool) {
        let events = RecordedEvents()
        func status(_ id: String) -> Value { ["nodeInfo": ["bootID": .string(id)]] }
        NodeEvents(name: "node", events: events).followed(status(before), status(after))
        #expect(events.message("Rebooted") == (isTold ? "Node node has been rebooted, boot id: b" : nil))
    }

    @Test(
        arguments: [
            ("Filename Type Size\n", "5.15.0-generic\n", false), ("Filename Type Size\n/dev/sda2 partition 1\n", "5.15.0-generic\n", true),
            ("Filename Type Size\n/dev/sda2 partition 1\n", "6.3.0\n", false),
            ("Filename Type Size\n/dev/sda2 partition 1\n", "6.12.1-amd64\n", false), ("", "", false),
        ])
    func secretsThatMayReachADiskAreTold(_ swaps: String, _ release: String, _ isTold: Bool) {
        let events = RecordedEvents()
        let backing = MemoryBacking(swaps: swaps, release: release)
        NodeEvents(name: "node", events: events).memory(reachesDisk: backing.reachesDisk)
        #expect((events.message("PossibleMemoryBackedVolumesOnDisk") != nil) == isTold)
    }

    @Test func whatCannotBeTakenAwayIsTold() async throws {
        let bench = Bench()
        try await bench.run {
            bench.runtime.fail("StopPodSandbox", RuntimeFailure(code: "Unknown", message: "device busy"))
            _ = try await bench.context.cri.runSandbox(["labels": ["io.kubernetes.pod.uid": "nobody's"]], handler: "")
            await Orphans(context: bench.context) { _ in false }.clear()
            #expect(bench.events.message("ContainerGCFailed")?.contains("device busy") == true)
        }
    }
}
