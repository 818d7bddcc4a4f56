import APIModel
import Testing

@testable import PluginHost

/// What wakes a controller and what does not.
@Suite struct WatchFilterTests {
    private static let cart: Value = ["metadata": ["name": "cart", "labels": ["app": "cart"]], "status": ["phase": "Running"]]
    private static let ended: Value = ["metadata": ["name": "cart", "labels": ["app": "cart"]], "status": ["phase": "Failed"]]
    private static let shop: Value = ["metadata": ["name": "shop", "labels": ["app": "shop"]], "status": ["phase": "Running"]]

    private static func filter(_ change: (inout WatchFilter) -> Void) -> WatchFilter {
        var filter = WatchFilter()
        change(&filter)
        return filter
    }

    private static let name = WatchFilter.FieldTest(path: ObjectPath("metadata.name")!, isEqual: true, value: "cart")
    private static let notName = WatchFilter.FieldTest(path: ObjectPath("metadata.name")!, isEqual: false, value: "cart")

    private static func volumes(_ volume: Value) -> Value { ["metadata": ["name": "cart"], "spec": ["volumes": [["name": "x"], volume]]] }

    private static let cases: [(what: String, filter: WatchFilter, before: Value?, after: Value?, isAdmitted: Bool)] = [
        ("no filter", WatchFilter(), nil, cart, true),
        ("the right event", filter { $0.events = [.added] }, nil, cart, true),
        ("another event", filter { $0.events = [.deleted] }, nil, cart, false),
        ("a deletion", filter { $0.events = [.deleted] }, cart, nil, true),
        ("a modification is not an addition", filter { $0.events = [.added] }, cart, ended, false),
        ("the label", filter { $0.labels = LabelSelector(labels: ["app": "cart"]) }, nil, cart, true),
        ("another label", filter { $0.labels = LabelSelector(labels: ["app": "cart"]) }, nil, shop, false),
        ("the label before", filter { $0.labels = LabelSelector(labels: ["app": "cart"]) }, cart, shop, true),
        ("the field", filter { $0.fields = [name] }, nil, cart, true),
        ("another value of the field", filter { $0.fields = [name] }, nil, shop, false),
        ("not the field", filter { $0.fields = [notName] }, nil, shop, true),
        (
            "label and field of one object",
            filter {
                $0.fields = [name]
                $0.labels = LabelSelector(labels: ["app": "shop"])
            }, cart, shop, false
        ),
        ("something is there", filter { $0.has = [ObjectPath("spec.claims")!, ObjectPath("metadata.labels")!] }, nil, cart, true),
        ("nothing is there", filter { $0.has = [ObjectPath("spec.claims")!] }, nil, cart, false),
        ("one of many is there", filter { $0.has = [ObjectPath("spec.volumes[*].claim")!] }, nil, volumes(["claim": "c"]), true),
        ("none of many is there", filter { $0.has = [ObjectPath("spec.volumes[*].claim")!] }, nil, volumes(["name": "n"]), false),
        ("it was there", filter { $0.has = [ObjectPath("spec.volumes")!] }, volumes(["name": "n"]), cart, true),
        ("the field changed", filter { $0.changes = [ObjectPath("status.phase")!] }, cart, ended, true),
        ("another field changed", filter { $0.changes = [ObjectPath("spec.x")!] }, cart, ended, false),
        ("one of the fields changed", filter { $0.changes = [ObjectPath("spec.x")!, ObjectPath("status")!] }, cart, ended, true),
        ("an addition changes everything", filter { $0.changes = [ObjectPath("spec.x")!] }, nil, cart, true),
        ("and so does a deletion", filter { $0.changes = [ObjectPath("spec.x")!] }, cart, nil, true),
    ]

    @Test(arguments: cases.indices) func admits(index: Int) {
        let (what, filter, before, after, isAdmitted) = Self.cases[index]
        #expect(filter.admits(before.map { Object($0) }, after.map { Object($0) }) == isAdmitted, "\(what)")
    }
}
