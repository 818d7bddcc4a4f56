import APIModel
import Testing

@testable import ControllerEndpointSlice

/// Into which slices endpoints go. Slices are written as the numbers of their endpoints: `0..<80`, with `!` for one that is not ready.
@Suite struct SlicePlanTests {
    private static func endpoint(_ number: Int, isReady: Bool = true, port: Whole = 80) -> Value {
        [
            "addresses": [.string("10.0.\(number / 250).\(number % 250)")], "targetRef": ["uid": .string("uid-\(number)")],
            "conditions": ["ready": .bool(isReady)],
        ]
    }

    private static func ports(_ numbers: [Whole]) -> Value {
        .array(numbers.map { ["name": .string("p\($0)"), "port": .int($0), "protocol": "TCP"] })
    }

    private static func slice(_ name: String, _ endpoints: Range<Int>, _ numbers: [Whole], team: Value = "a") -> Value {
        [
            "metadata": ["name": .string(name), "labels": ["team": team]], "addressType": "IPv4", "ports": ports(numbers),
            "endpoints": .array(endpoints.map { endpoint($0) }),
        ]
    }

    private struct Case {
        var what: String
        /// The endpoints of each slice there is, and their ports.
        var existing: [(Range<Int>, [Whole])]
        var wanted: [(Range<Int>, [Whole])]
        /// Of the wanted ones, which are not ready.
        var unready: @Sendable (Int) -> Bool = { _ in false }
        /// `+100`: made with so many; `0=89`: the first one written with so many; `-1`: the second one deleted.
        var changes: [String]
    }

    private static let cases: [Case] = [
        Case(what: "no Pods", existing: [], wanted: [], changes: ["+0"]),
        Case(what: "no Pods, and somebody looked", existing: [(0..<0, [])], wanted: [], changes: []),
        Case(what: "no Pods any more", existing: [(0..<3, [80])], wanted: [], changes: ["0=0"]),
        Case(what: "no Pods any more, of several", existing: [(0..<3, [80]), (3..<5, [81])], wanted: [], changes: ["-1", "0=0"]),
        Case(what: "the first Pod", existing: [(0..<0, [])], wanted: [(0..<1, [80])], changes: ["0=1"]),
        Case(what: "the first Pod of a Service without ports", existing: [(0..<0, [])], wanted: [(0..<1, [])], changes: ["0=1"]),
        Case(what: "many", existing: [], wanted: [(0..<250, [80])], changes: ["+100", "+100", "+50"]),
        Case(what: "as they are", existing: [(0..<100, [80]), (100..<150, [80])], wanted: [(0..<150, [80])], changes: []),
        Case(what: "ports in another order", existing: [(0..<5, [80, 443])], wanted: [(0..<5, [443, 80])], changes: []),
        Case(
            what: "what is left fits into the fuller one", existing: [(0..<62, [80]), (62..<123, [80])], wanted: [(0..<250, [80])],
            changes: ["+100", "0=89"]),
        Case(
            what: "what is left fits into neither", existing: [(0..<74, [80]), (74..<148, [80])], wanted: [(0..<300, [80])],
            changes: ["+100", "+52"]),
        Case(
            what: "into the one that changes anyway, and is the fullest", existing: [(0..<80, [80]), (80..<100, [80])],
            wanted: [(0..<115, [80])], unready: { $0 % 10 == 0 && $0 < 100 }, changes: ["0=95", "1=20"]),
        Case(
            what: "another port", existing: [(0..<100, [80]), (100..<200, [80]), (200..<250, [80])], wanted: [(0..<250, [81])],
            changes: ["0=50", "1=100", "2=100"]),
        Case(
            what: "another port, and fewer slices for it", existing: (0..<10).map { ($0 * 30..<$0 * 30 + 30, [80]) },
            wanted: [(0..<300, [81])], changes: ["-3", "-4", "-5", "-6", "-7", "-8", "-9", "0=100", "1=100", "2=100"]),
        Case(
            what: "one of two slices is empty", existing: [(0..<2, [80]), (2..<4, [80])], wanted: [(0..<2, [80])], changes: ["-1"]),
        Case(
            what: "a named port that Pods resolve differently", existing: [], wanted: [(0..<30, [8080]), (30..<60, [8081])],
            changes: ["+30", "+30"]),
    ]

    @Test(arguments: cases.indices) func endpointsStayWhereTheyAre(index: Int) {
        let each = Self.cases[index]
        let existing = each.existing.enumerated().map { Self.slice("\($0.offset)", $0.element.0, $0.element.1) }
        let groups = each.wanted.map { range, ports in
            SlicePlan.Group(ports: Self.ports(ports), endpoints: range.map { Self.endpoint($0, isReady: !each.unready($0)) })
        }
        let changes = SlicePlan.changes(from: existing, to: groups, .ipv4, labels: ["team": "a"], perSlice: 100)
        #expect(changes.map(Self.text).sorted() == each.changes.sorted(), "\(each.what)")
        #expect(Self.repeated(existing, changes).isEmpty, "\(each.what): what is done is done")
    }

    /// What is to be done after `changes` were.
    private static func repeated(_ existing: [Value], _ changes: [SlicePlan.Change]) -> [SlicePlan.Change] {
        var slices = Dictionary(uniqueKeysWithValues: existing.map { ($0["metadata"]["name"].string ?? "", $0) })
        for (number, change) in changes.enumerated() {
            switch change {
            case .create(var slice):
                slice["metadata"]["name"] = .string("new-\(number)")
                slices["new-\(number)"] = slice
            case .update(let slice): slices[slice["metadata"]["name"].string ?? ""] = slice
            case .delete(let name): slices[name] = nil
            }
        }
        let groups = Dictionary(grouping: slices.values, by: { $0["ports"] }).map { ports, slices in
            SlicePlan.Group(ports: ports, endpoints: slices.flatMap { $0["endpoints"].elements })
        }
        let wanted = groups.filter { !$0.endpoints.isEmpty }
        return SlicePlan.changes(from: Array(slices.values), to: wanted, .ipv4, labels: ["team": "a"], perSlice: 100)
    }

    private static func text(_ change: SlicePlan.Change) -> String {
        switch change {
        case .create(let slice): "+\(slice["endpoints"].elements.count)"
        case .update(let slice): "\(slice["metadata"]["name"].string ?? "")=\(slice["endpoints"].elements.count)"
        case .delete(let name): "-\(name)"
        }
    }

    /// Labels of the Service are those of all its slices, whatever else they say.
    @Test func slicesHaveTheLabelsOfTheService() {
        let existing = [Self.slice("0", 0..<100, [80]), Self.slice("1", 100..<120, [80], team: "b"), Self.slice("2", 120..<130, [80])]
        let group = SlicePlan.Group(ports: Self.ports([80]), endpoints: (0..<130).map { Self.endpoint($0) })
        let changes = SlicePlan.changes(from: existing, to: [group], .ipv4, labels: ["team": "a"], perSlice: 100)
        #expect(changes == [.update(Self.slice("1", 100..<120, [80]))])
    }
}
