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

    @Test(arguments: [("a", "b", true), ("a", "a", false), ("", "b", false)])
    func aMachineThatWasStartedAgainIsTold(_ before: String, _ after: String, _ isTold: Bool) {
        let events = RecordedEvents()
        func status(_ id: String) -> Value { ["nodeInfo": ["bootID": .string(id)]] }
        NodeEvents(name: "node", events: events).followed(status(before), status(after))
        #expect(events.message("Rebooted") == (isTold ? "Node node has been rebooted, boot id: b" : nil))
    }
}
