import APIModel
import Testing

@testable import ControllerEndpointSlice

/// Which zone each endpoint is for when the zones' processors decide.
@Suite struct TopologyHintsTests {
    /// Of endpoints `a`, `b`, with `!` after one that is not ready and `-` for one without a zone.
    private static func endpoints(_ zones: String) -> [Value] {
        zones.split(separator: " ").enumerated().map { number, zone in
            let name = zone.prefix { $0 != "!" }
            return [
                "addresses": [.string("10.0.0.\(number)")], "targetRef": ["uid": .string("uid-\(10 + number)")],
                "zone": name == "-" ? .null : .string(String(name)), "conditions": ["ready": .bool(!zone.hasSuffix("!"))],
            ]
        }
    }

    private static func shares(_ zones: [String: Double]) -> ZoneShares {
        ZoneShares(zones.map { zone, processors in ZoneShares.Part(zone: zone, processors: processors) })
    }

    private static func changes(from existing: [Value] = [], to endpoints: [Value], _ zones: [String: Double]) throws -> [SlicePlan.Change]
    {
        try TopologyHints.changes(
            from: existing, to: [SlicePlan.Group(ports: [], endpoints: endpoints)], .ipv4, labels: ["app": "web"], perSlice: 4,
            shares(zones))
    }

    /// The hints of all endpoints that are written, `.` for none.
    private static func hints(_ changes: [SlicePlan.Change]) -> String {
        changes.flatMap { change -> [Value] in
            switch change {
            case .create(let slice), .update(let slice): slice["endpoints"].elements
            case .delete: []
            }
        }.map { $0["hints"]["forZones"][0]["name"].string ?? "." }.joined(separator: " ")
    }

    private static let given: [(what: String, zones: [String: Double], endpoints: String, hints: String)] = [
        ("each its own", ["a": 450, "b": 550], "a b", "a b"),
        ("none for those that are not ready", ["a": 450, "b": 550], "a b b! a!", "a b . ."),
        ("one goes to the zone that has too few", ["a": 350, "b": 350, "c": 300], "a b c c a a a b c a", "b b c c a a a b c a"),
        ("both zones get what they are worth", ["a": 500, "b": 500], "a a a a", "b b a a"),
        ("half an endpoint is not moved", ["a": 500, "b": 500], "a a a a b b b", "a a a a b b b"),
        ("a zone without ready Nodes gives to nobody", ["a": 500, "b": 500], "a c b b", "a c b b"),
    ]

    @Test(arguments: given.indices) func zonesGetTheirShare(index: Int) throws {
        let (what, zones, endpoints, hints) = Self.given[index]
        #expect(Self.hints(try Self.changes(to: Self.endpoints(endpoints), zones)) == hints, "\(what)")
    }

    private static let refused: [(zones: [String: Double], endpoints: String, message: String)] = [
        (["a": 500], "a a", "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"),
        (["a": 500, "b": 0], "a b", "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"),
        (["a": 500, "": 500], "a b", "Insufficient Node information: allocatable CPU or zone not specified on one or more nodes"),
        (["a": 300, "b": 400, "c": 300], "a b", "Insufficient number of endpoints (2 endpoints, 3 zones)"),
        (
            ["a": 500, "b": 250, "c": 250], "a b c",
            "Unable to allocate minimum required endpoints to each zone without exceeding overload threshold (3 endpoints, 3 zones)"
        ),
        (["a": 500, "b": 500], "a -", "One or more endpoints do not have a zone specified"),
    ]

    @Test(arguments: refused.indices) func orThereAreNone(index: Int) {
        let (zones, endpoints, message) = Self.refused[index]
        let refusal = #expect(throws: TopologyHints.Refusal.self) { try Self.changes(to: Self.endpoints(endpoints), zones) }
        #expect(refusal?.message == message)
    }

    /// What is given out already stays while it can: who listens to a slice hears nothing of others.
    @Test func anUnchangedSliceKeepsItsHints() throws {
        let zones: [String: Double] = ["a": 500, "b": 500]
        let before = Self.endpoints("a a a a")
        guard case .create(var slice)? = try Self.changes(to: before, zones).first else { throw Unexpected("no slice was made") }
        slice["metadata"]["name"] = "web-1"
        #expect(try Self.changes(from: [slice], to: before, zones) == [])
        // What is new stands in a slice of its own.
        let more = try Self.changes(from: [slice], to: Self.endpoints("a a a a b b"), zones)
        #expect(more.count == 1 && Self.hints(more) == "a b")
        // Some that are not ready any more have their slice given out anew, and so has a zone with too many.
        #expect(Self.hints(try Self.changes(from: [slice], to: Self.endpoints("a! a a! a"), zones)) == ". b . a")
        #expect(Self.hints(try Self.changes(from: [slice], to: before, ["a": 750, "b": 250])) == "b a a a")
    }

    private static func node(_ zone: String?, cpu: String?, labels: [String: Value] = [:], ready: Value = "True") -> Value {
        var node: Value = ["metadata": ["labels": ["topology.kubernetes.io/zone": Value(zone)]]]
        for (label, value) in labels { node["metadata"]["labels"][label] = value }
        node["status"] = ["allocatable": ["cpu": Value(cpu)], "conditions": [["type": "Ready", "status": ready]]]
        return node
    }

    @Test func readyNodesThatRunPodsAreCounted() {
        func shares(_ nodes: Value...) -> [String: Double] { ZoneShares(nodes.compactMap { ZoneShares.Part(of: $0) }).byZone }
        let (a, b) = (Self.node("a", cpu: "3"), Self.node("b", cpu: "1000m"))
        #expect(shares(a, b) == ["a": 0.75, "b": 0.25])
        #expect(shares(a, b, Self.node("b", cpu: "2"), Self.node("c", cpu: "9", ready: "Unknown")) == ["a": 0.5, "b": 0.5])
        for role in ["control-plane", "master"] {
            #expect(shares(a, b, Self.node(nil, cpu: nil, labels: ["node-role.kubernetes.io/\(role)": ""])) == ["a": 0.75, "b": 0.25])
        }
        #expect(shares(a) == [:] && shares(a, Self.node(nil, cpu: "1")) == [:] && shares(a, b, Self.node("b", cpu: nil)) == [:])
    }
}
