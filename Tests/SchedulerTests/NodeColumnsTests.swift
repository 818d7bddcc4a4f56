import APIModel
import PluginAPI
import Testing

@testable import Scheduler

@Suite struct NodeColumnsTests {
    private let columns = NodeColumns()

    private func info(_ pod: Object) -> PodInfo { PodInfo(pod, strings: columns.strings, resources: columns.resources) }

    @Test func nodesFillColumns() {
        #expect(columns.put(node("a", cpu: "1500m", memory: "1Gi", labels: ["zone": "x"], extra: ["example.com/gpu": "2"])))
        #expect(columns.put(node("b", spec: ["unschedulable": true, "taints": [["key": "k", "value": "v", "effect": "NoExecute"]]])))
        columns.withPointer { pointer in
            let nodes = pointer.pointee
            #expect(nodes.count == 2 && nodes.resource_count == 5)
            #expect(
                nodes.allocatable[0][0] == 1500 && nodes.allocatable[1][0] == 1 << 30 && nodes.allocatable[4][0] == 2
                    && nodes.allocatable[4][1] == 0)
            #expect(nodes.unschedulable[0] == 0 && nodes.unschedulable[1] == 1)
            #expect(nodes.label_ranges.offsets[1] - nodes.label_ranges.offsets[0] == 1)
            #expect(columns.strings.text(nodes.labels[0].key) == "zone" && columns.strings.text(nodes.labels[0].value) == "x")
            #expect(
                nodes.taint_ranges.offsets[1] == 0 && nodes.taint_ranges.offsets[2] == 1 && nodes.taints[0].effect == APUS_EFFECT_NO_EXECUTE
            )
            #expect(columns.strings.text(nodes.resources[4]) == "example.com/gpu")
        }
    }

    @Test func anUnchangedNodeChangesNothing() {
        #expect(columns.put(node("a", labels: ["zone": "x"])))
        #expect(!columns.put(node("a", labels: ["zone": "x"])))
        #expect(columns.put(node("a", labels: ["zone": "y"])))
        #expect(columns.put(node("a", cpu: "8", labels: ["zone": "y"])))
    }

    @Test func aDeletedNodeLeavesAHoleForTheNext() {
        for name in ["a", "b", "c"] { _ = columns.put(node(name)) }
        columns.add(
            info(pod("p", cpu: "1", spec: ["containers": [["ports": [["hostPort": 80]], "resources": ["requests": ["cpu": "1"]]]]])), to: 1)
        columns.remove("b")
        #expect(columns.liveCount == 2 && columns.live[0] == 0b101)
        _ = columns.put(node("d"))
        #expect(columns.index(of: "d") == 1 && columns.count == 3 && columns.live[0] == 0b111)
        columns.withPointer { #expect($0.pointee.requested[0][1] == 0 && $0.pointee.port_ranges.offsets[3] == 0) }
    }

    @Test func columnsGrowBeyondOneWord() {
        for number in 0..<200 { _ = columns.put(node("n\(number)", cpu: "\(number + 1)")) }
        #expect(columns.liveCount == 200 && columns.live.count == 4)
        columns.withPointer { pointer in
            for number in 0..<200 { #expect(pointer.pointee.allocatable[0][number] == Int64(number + 1) * 1000) }
        }
    }

    @Test func podsMayComeBeforeTheirNode() {
        var assigned = AssignedPods(columns)
        assigned.put(info(pod("p", cpu: "2", on: "a")), node: "a", isAssumed: false)
        _ = assigned.putNode(node("a"))
        columns.withPointer { #expect($0.pointee.requested[0][0] == 2000 && $0.pointee.requested[3][0] == 1) }
        assigned.removeNode("a")
        _ = assigned.putNode(node("a"))
        columns.withPointer { #expect($0.pointee.requested[0][0] == 2000) }
        assigned.remove(PodKey(namespace: "default", name: "p"))
        columns.withPointer { #expect($0.pointee.requested[0][0] == 0 && $0.pointee.nonzero_memory[0] == 0) }
    }

    struct Requests: Sendable {
        var spec: Value
        var cpu: Int64
        var nonzeroMemory: Int64
    }

    @Test(arguments: [
        Requests(
            spec: [
                "containers": [["resources": ["requests": ["cpu": "1"]]], ["resources": ["requests": ["cpu": "500m", "memory": "1Mi"]]]]
            ], cpu: 1500, nonzeroMemory: 201 << 20),
        Requests(
            spec: [
                "containers": [["resources": ["requests": ["cpu": "1"]]]], "initContainers": [["resources": ["requests": ["cpu": "3"]]]],
            ], cpu: 3000, nonzeroMemory: 200 << 20),
        Requests(
            spec: [
                "containers": [["resources": ["requests": ["cpu": "1"]]]],
                "initContainers": [
                    ["restartPolicy": "Always", "resources": ["requests": ["cpu": "2"]]], ["resources": ["requests": ["cpu": "2"]]],
                ],
            ], cpu: 4000, nonzeroMemory: 400 << 20),
        Requests(
            spec: ["containers": [["resources": ["requests": ["cpu": "1"]]]], "overhead": ["cpu": "250m"]], cpu: 1250,
            nonzeroMemory: 200 << 20),
        Requests(
            spec: ["containers": [["resources": ["requests": ["cpu": "1"]]]], "resources": ["requests": ["cpu": "2"]]], cpu: 2000,
            nonzeroMemory: 200 << 20),
        // More than numbers hold.
        Requests(
            spec: [
                "containers": [
                    ["resources": ["requests": ["cpu": "9e18", "memory": "8E"]]],
                    ["resources": ["requests": ["cpu": "9e18", "memory": "8E"]]],
                ],
                "overhead": ["memory": "8E"],
            ], cpu: PodRequests.most, nonzeroMemory: PodRequests.most),
    ])
    func requestsAddUp(_ row: Requests) {
        let requests = PodRequests(spec: row.spec, columns.resources)
        #expect(requests.amounts[0] == row.cpu && requests.nonzeroMemory == row.nonzeroMemory && requests.amounts[3] == 1)
    }
}
