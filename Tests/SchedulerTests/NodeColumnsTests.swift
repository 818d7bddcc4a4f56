import APIModel
import PluginAPI
import Testing

@testable import Scheduler

@Suite struct NodeColumnsTests {
    private let columns = NodeColumns()

    @Test func nodesFillColumns() {
        #expect(
            columns.put(node("a", cpu: "1500m", memory: "1Gi", labels: ["zone": "x"], extra: ["example.com/gpu": "2"])).contains(.nodeAdded)
        )
        #expect(
            columns.put(node("b", spec: ["unschedulable": true, "taints": [["key": "k", "value": "v", "effect": "NoExecute"]]])).contains(
                .nodeTaints))
        columns.withPointer { pointer in
            let nodes = pointer.pointee
            #expect(nodes.count == 2 && nodes.resource_count == 5)
            #expect(
                nodes.allocatable[0][0] == 1500 && nodes.allocatable[1][0] == 1 << 30 && nodes.allocatable[4][0] == 2
                    && nodes.allocatable[4][1] == 0)
            #expect(nodes.unschedulable[0] == 0 && nodes.unschedulable[1] == 1)
            #expect(nodes.label_ranges.counts[0] == 1 && nodes.label_ranges.counts[1] == 0)
            let label = nodes.labels[Int(nodes.label_ranges.starts[0])]
            #expect(columns.strings.text(label.key) == "zone" && columns.strings.text(label.value) == "x")
            #expect(nodes.taint_ranges.counts[0] == 0 && nodes.taint_ranges.counts[1] == 1)
            #expect(nodes.taints[Int(nodes.taint_ranges.starts[1])].effect == APUS_EFFECT_NO_EXECUTE)
            #expect(columns.strings.text(nodes.resources[4]) == "example.com/gpu")
        }
    }

    @Test func anUnchangedNodeChangesNothing() {
        #expect(columns.put(node("a", labels: ["zone": "x"])).contains(.nodeAdded))
        #expect(columns.put(node("a", labels: ["zone": "x"])) == [])
        #expect(columns.put(node("a", labels: ["zone": "y"])) == .nodeLabels)
        #expect(columns.put(node("a", cpu: "8", labels: ["zone": "y"])) == .nodeAllocatable)
        #expect(columns.put(node("a", cpu: "8", labels: ["zone": "y"], spec: ["unschedulable": true])) == .nodeTaints)
    }

    @Test func aDeletedNodeLeavesAHoleForTheNext() {
        var assigned = AssignedPods(columns)
        for name in ["a", "b", "c"] { _ = assigned.putNode(node(name)) }
        let greedy: Value = [
            "containers": [["ports": [["hostPort": 80]], "resources": ["requests": ["cpu": "1", "example.com/gpu": "1"]]]]
        ]
        assigned.put(PodInfo(pod("p", on: "b", spec: greedy)), node: "b", isAssumed: false)
        columns.withPointer { #expect($0.pointee.resource_count == 5 && $0.pointee.port_ranges.counts[1] == 1) }
        assigned.removeNode("b")
        #expect(columns.liveCount == 2 && columns.live[0] == 0b101)
        _ = assigned.putNode(node("d"))
        #expect(columns.index(of: "d") == 1 && columns.count == 3 && columns.live[0] == 0b111)
        columns.withPointer { #expect($0.pointee.requested[0][1] == 0 && $0.pointee.port_ranges.counts[1] == 0) }
        // The Pod holds what it asked for again when its Node comes back, and never twice.
        _ = assigned.putNode(node("b"))
        columns.withPointer { #expect($0.pointee.requested[0][3] == 1000 && $0.pointee.requested[4][3] == 1) }
        assigned.remove(PodKey(namespace: "default", name: "p"))
        columns.withPointer { #expect($0.pointee.requested[0][3] == 0 && $0.pointee.port_ranges.counts[3] == 0) }
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
        assigned.put(PodInfo(pod("p", cpu: "2", on: "a")), node: "a", isAssumed: false)
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
        let requests = PodRequests(spec: row.spec)
        #expect(requests.amounts.fixed[0] == row.cpu && requests.nonzeroMemory == row.nonzeroMemory && requests.amounts.fixed[3] == 1)
    }

    /// Names of resources come from whoever makes Pods: a column is there as long as somebody needs it.
    @Test func aResourceThatNobodyNeedsLeavesItsColumnToTheNext() {
        _ = columns.put(node("a", extra: ["example.com/gpu": "2"]))
        for number in 0..<100 {
            let asks: Value = ["containers": [["resources": ["requests": [:]]]]]
            var spec = asks
            spec["containers"][0]["resources"]["requests"]["example.com/n\(number)"] = "1"
            let arguments = PodArguments(PodInfo(pod("p\(number)", spec: spec)), columns: columns)
            arguments.withPointer { pod in
                columns.withPointer { nodes in
                    #expect(nodes.pointee.resource_count == 6 && pod.pointee.request_count == 6 && pod.pointee.requests[5] == 1)
                    #expect(nodes.pointee.allocatable[4][0] == 2 && nodes.pointee.allocatable[5][0] == 0)
                    #expect(columns.strings.text(nodes.pointee.resources[5]) == "example.com/n\(number)")
                }
            }
        }
        _ = columns.put(node("a"))
        #expect(columns.resources.column(of: "example.com/gpu") == nil)
    }

    /// What a policy sees of the Pods that are there: `name@node class`, holes left out.
    private func rows(_ body: (apus_pods, [String]) -> Void) {
        columns.withPointer { nodes in
            let pods = nodes.pointee.pods.pointee
            let rows = (0..<Int(pods.count)).filter { pods.nodes[$0] != APUS_NO_NODE }.map {
                "\(columns.strings.text(pods.names[$0]))@\(columns.strings.text(nodes.pointee.names[Int(pods.nodes[$0])])) \(pods.classes[$0])"
            }
            body(pods, rows)
        }
    }

    @Test func podsAreRowsWithAClassThatTheyShare() {
        var assigned = AssignedPods(columns)
        for name in ["a", "b"] { _ = assigned.putNode(node(name)) }
        _ = assigned.put(bound: pod("p", cpu: "2", on: "a", spec: .emptyObject, labels: ["app": "web"]))
        _ = assigned.put(bound: pod("q", on: "b", labels: ["app": "web"]))
        _ = assigned.put(bound: pod("r", on: "b", labels: ["app": "db"]))
        rows { pods, rows in
            #expect(rows == ["p@a 0", "q@b 0", "r@b 1"])
            #expect(pods.class_count == 2 && pods.class_rows[0].label_count == 1)
            #expect(columns.strings.text(pods.class_rows[1].labels![0].value) == "db")
            #expect(columns.strings.text(pods.class_rows[1].namespace_) == "default")
            let request = pods.requests[Int(pods.request_ranges.starts[0])]
            #expect(columns.strings.text(request.resource) == "cpu" && request.amount == 2000 && pods.request_ranges.counts[1] == 0)
        }
        assigned.remove(PodKey(namespace: "default", name: "q"))
        assigned.removeNode("a")
        rows { _, rows in #expect(rows == ["r@b 1"]) }
        // A Pod holds its place again when its Node comes back.
        _ = assigned.putNode(node("a"))
        rows { _, rows in #expect(rows.sorted() == ["p@a 0", "r@b 1"]) }
    }

    @Test func changesNameTheRowsThatChanged() {
        var assigned = AssignedPods(columns)
        _ = assigned.putNode(node("a"))
        _ = assigned.put(bound: pod("p", on: "a"))
        var before: UInt64 = 0
        func changed() -> [UInt32] {
            var found: [UInt32] = []
            rows { pods, _ in
                found = (before..<pods.changes.count).map { pods.changes.rows[Int($0 % UInt64(pods.changes.capacity))] }
                before = pods.changes.count
            }
            return found
        }
        #expect(changed() == [0])
        // The status alone, or nothing.
        _ = assigned.put(bound: pod("p", on: "a", phase: "Running"))
        #expect(changed() == [])
        _ = assigned.putNode(node("a", labels: ["zone": "x"]))
        #expect(changed() == [0])
        _ = assigned.put(bound: pod("p", on: "a", labels: ["app": "web"]))
        #expect(Set(changed()) == [0])
    }

    @Test func aClassThatNobodyHasStaysForAWhileAndThenGoes() {
        let classes = PodClasses(columns.strings)
        func key(_ number: Int) -> PodTemplate {
            let one = pod("p", labels: ["app": "\(number)"])
            return PodTemplate(PodTemplate.Key(one.value), one)
        }
        let first = classes.hold(key(-1))
        let serial = classes.table[first].serial
        classes.release(first)
        #expect(classes.hold(key(-1)) == first && classes.table[first].serial == serial)
        for number in 0..<1000 { classes.release(classes.hold(key(number))) }
        #expect(classes.table.count < 600)
        // The one that is held is the same.
        #expect(classes.hold(key(-1)) == first && classes.table[first].serial == serial)
    }
}
