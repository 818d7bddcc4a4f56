import APIModel
import KernelNetwork
import Testing

@testable import ControllerNetworkPolicy

/// Policies as people write them, tried between all places: who gets through to whom, by which protocol and to which port.
@Suite struct NetworkPolicyPlanTests {
    struct Recipe: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var policies: [(namespace: String, spec: Value)]
        var allows: @Sendable (PolicyWorld.Attempt) -> Bool

        init(_ name: String, _ policies: [(String, Value)] = [], allows: @escaping @Sendable (PolicyWorld.Attempt) -> Bool) {
            testDescription = name
            self.policies = policies.map { (namespace: $0.0, spec: $0.1) }
            self.allows = allows
        }
    }

    static let a: Value = ["matchLabels": ["pod": "a"]]
    static let b: Value = ["matchLabels": ["pod": "b"]]
    static let y: Value = ["matchLabels": ["ns": "y"]]

    static let recipes: [Recipe] = [
        Recipe("nothing is said") { _ in true },
        Recipe("default deny", [("x", ["podSelector": [:]])]) { $0.to.namespace != "x" },
        Recipe("an app that nobody may come to", [("x", ["podSelector": a, "ingress": []])]) { "\($0.to)" != "x/a" },
        Recipe("everybody may come", [("x", ["podSelector": [:], "ingress": [[:]]])]) { _ in true },
        Recipe("from one app of the namespace", [("x", ["podSelector": a, "ingress": [["from": [["podSelector": b]]]]])]) {
            "\($0.to)" != "x/a" || "\($0.from)" == "x/b"
        },
        Recipe("from the namespace itself", [("x", ["podSelector": [:], "ingress": [["from": [["podSelector": [:]]]]]])]) {
            $0.to.namespace != "x" || $0.from.namespace == "x"
        },
        Recipe("from all namespaces, not from outside", [("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": [:]]]]]])]) {
            "\($0.to)" != "x/a" || !$0.from.isOutside
        },
        Recipe("from a namespace by its label", [("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": y]]]]])]) {
            "\($0.to)" != "x/a" || $0.from.namespace == "y"
        },
        Recipe(
            "from some pods of another namespace",
            [("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": y, "podSelector": b]]]]])]
        ) { "\($0.to)" != "x/a" || "\($0.from)" == "y/b" },
        Recipe(
            "from a namespace, or from some pods of one's own",
            [("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": y], ["podSelector": b]]]]])]
        ) { "\($0.to)" != "x/a" || $0.from.namespace == "y" || "\($0.from)" == "x/b" },
        Recipe(
            "by expressions",
            [
                (
                    "x",
                    [
                        "podSelector": ["matchExpressions": [["key": "pod", "operator": "In", "values": ["a", "b"]]]],
                        "ingress": [
                            [
                                "from": [
                                    [
                                        "namespaceSelector": ["matchExpressions": [["key": "ns", "operator": "NotIn", "values": ["y"]]]],
                                        "podSelector": ["matchExpressions": [["key": "pod", "operator": "Exists"]]],
                                    ]
                                ]
                            ]
                        ],
                    ]
                )
            ]
        ) { !["x/a", "x/b"].contains("\($0.to)") || ["x", "z"].contains($0.from.namespace) },
        Recipe("only one port", [("x", ["podSelector": a, "ingress": [["ports": [["port": 80]]]]])]) {
            "\($0.to)" != "x/a" || ($0.transport, $0.port) == ("tcp", 80)
        },
        Recipe("a named port", [("x", ["podSelector": a, "ingress": [["ports": [["port": "serve-81-udp", "protocol": "UDP"]]]]])]) {
            "\($0.to)" != "x/a" || ($0.transport, $0.port) == ("udp", 81)
        },
        Recipe("a name that no pod has", [("x", ["podSelector": a, "ingress": [["ports": [["port": "none"]]]]])]) { "\($0.to)" != "x/a" },
        Recipe("a name of another protocol", [("x", ["podSelector": a, "ingress": [["ports": [["port": "serve-81-udp"]]]]])]) {
            "\($0.to)" != "x/a"
        },
        Recipe(
            "a range, and one that overlaps",
            [
                (
                    "x",
                    [
                        "podSelector": a,
                        "ingress": [
                            [
                                "ports": [
                                    ["port": 70, "endPort": 80, "protocol": "UDP"], ["port": 75, "endPort": 79, "protocol": "UDP"],
                                    ["port": 81, "protocol": "SCTP"],
                                ]
                            ]
                        ],
                    ]
                )
            ]
        ) { "\($0.to)" != "x/a" || ($0.transport, $0.port) == ("udp", 80) || ($0.transport, $0.port) == ("sctp", 81) },
        Recipe("all of a protocol", [("x", ["podSelector": a, "ingress": [["ports": [["protocol": "SCTP"], ["port": 80]]]]])]) {
            "\($0.to)" != "x/a" || $0.transport == "sctp" || ($0.transport, $0.port) == ("tcp", 80)
        },
        Recipe(
            "peers and ports, both",
            [("x", ["podSelector": a, "ingress": [["from": [["podSelector": b]], "ports": [["port": 80]]], ["ports": [["port": 81]]]]])]
        ) {
            "\($0.to)" != "x/a" || "\($0.from)" == "x/b" && ($0.transport, $0.port) == ("tcp", 80)
                || ($0.transport, $0.port) == ("tcp", 81)
        },
        Recipe(
            "addresses without some of them",
            [("x", ["podSelector": a, "ingress": [["from": [["ipBlock": ["cidr": "0.0.0.0/0", "except": ["198.51.100.0/24"]]]]]]])]
        ) { "\($0.to)" != "x/a" || !$0.from.address.hasPrefix("198.") },
        Recipe(
            "addresses of pods, written with more than the network",
            [("x", ["podSelector": a, "ingress": [["from": [["ipBlock": ["cidr": "10.244.2.9/24", "except": ["10.244.2.1/32"]]]]]]])]
        ) { "\($0.to)" != "x/a" || ["y/b", "y/c"].contains("\($0.from)") },
        Recipe(
            "addresses of the other family alone", [("x", ["podSelector": a, "ingress": [["from": [["ipBlock": ["cidr": "::/0"]]]]]])]
        ) { "\($0.to)" != "x/a" },
        Recipe("nothing may leave", [("x", ["podSelector": [:], "policyTypes": ["Egress"]])]) { $0.from.namespace != "x" },
        Recipe("rules for what leaves, and no types", [("x", ["podSelector": a, "egress": [["to": [["podSelector": b]]]]])]) {
            "\($0.to)" != "x/a" && ("\($0.from)" != "x/a" || "\($0.to)" == "x/b")
        },
        Recipe(
            "rules for what leaves that count for nothing",
            [("x", ["podSelector": a, "policyTypes": ["Ingress"], "egress": [["to": [["podSelector": b]]]]])]
        ) { "\($0.to)" != "x/a" },
        Recipe(
            "to name servers alone",
            [("x", ["podSelector": [:], "policyTypes": ["Egress"], "egress": [["ports": [["port": 81, "protocol": "UDP"]]]]])]
        ) { $0.from.namespace != "x" || ($0.transport, $0.port) == ("udp", 81) },
        Recipe(
            "not outside", [("x", ["podSelector": [:], "policyTypes": ["Egress"], "egress": [["to": [["namespaceSelector": [:]]]]]])]
        ) { $0.from.namespace != "x" || !$0.to.isOutside },
        Recipe(
            "to a port by the name that others give it",
            [
                (
                    "x",
                    [
                        "podSelector": a, "policyTypes": ["Egress"],
                        "egress": [["to": [["namespaceSelector": y]], "ports": [["port": "serve-80-tcp"]]]],
                    ]
                )
            ]
        ) { "\($0.from)" != "x/a" || $0.to.namespace == "y" && ($0.transport, $0.port) == ("tcp", 80) },
        Recipe(
            "to addresses outside",
            [("x", ["podSelector": a, "policyTypes": ["Egress"], "egress": [["to": [["ipBlock": ["cidr": "203.0.113.0/24"]]]]]])]
        ) { "\($0.from)" != "x/a" || $0.to.address == "203.0.113.7" },
        Recipe(
            "policies add up",
            [
                ("x", ["podSelector": [:]]), ("x", ["podSelector": a, "ingress": [["from": [["podSelector": b]]]]]),
                ("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": y]], "ports": [["port": 80]]]]]),
            ]
        ) {
            $0.to.namespace != "x"
                || "\($0.to)" == "x/a"
                    && ("\($0.from)" == "x/b" || $0.from.namespace == "y" && ($0.transport, $0.port) == ("tcp", 80))
        },
        Recipe(
            "both ends have to agree",
            [
                ("x", ["podSelector": a, "policyTypes": ["Egress"], "egress": [["to": [["namespaceSelector": y]]]]]),
                ("y", ["podSelector": b, "ingress": [["from": [["podSelector": [:]]]]]]),
            ]
        ) { ("\($0.from)" != "x/a" || $0.to.namespace == "y") && ("\($0.to)" != "y/b" || $0.from.namespace == "y") },
        Recipe("nothing in, nothing out", [("x", ["podSelector": [:], "policyTypes": ["Ingress", "Egress"]])]) {
            $0.to.namespace != "x" && $0.from.namespace != "x"
        },
    ]

    /// A pod cannot keep itself out, whatever the policies say.
    private static func isToItself(_ attempt: PolicyWorld.Attempt) -> Bool { attempt.from == attempt.to }

    @Test(arguments: recipes, IPFamily.allCases) func letsThroughWhatPoliciesSay(_ recipe: Recipe, _ family: IPFamily) throws {
        for order in 0...2 {
            let plan = try PolicyWorld.plan(recipe.policies, order: order, family)
            let wrong = PolicyWorld.attempts.filter {
                PolicyWorld.passes($0, plan) != (Self.isToItself($0) || recipe.allows($0))
            }
            #expect(wrong.isEmpty, "order \(order): \(wrong.prefix(8))")
        }
    }

    /// From each recipe to the next by changes: what comes of it is what one gets who begins anew.
    @Test(arguments: IPFamily.allCases) func changesLeadToTheSame(_ family: IPFamily) throws {
        var plan = try PolicyWorld.plan([], family)
        var count = 0
        for recipe in Self.recipes {
            for index in 0..<max(count, recipe.policies.count) {
                // A policy keeps its name, not its namespace.
                for namespace in PolicyWorld.namespaces {
                    let isHere = index < recipe.policies.count && recipe.policies[index].namespace == namespace
                    let key = PolicyPlan.Key(namespace: namespace, name: "p\(index)")
                    plan.setPolicy(
                        key, isHere ? try Policy(PolicyWorld.policy(recipe.policies[index].spec, in: namespace, family)) : nil)
                }
            }
            count = recipe.policies.count
            let fresh = try PolicyWorld.plan(recipe.policies, family)
            #expect(plan.table.sets.count == fresh.table.sets.count && plan.table.chains.count == fresh.table.chains.count)
            let wrong = PolicyWorld.attempts.filter {
                PolicyWorld.passes($0, plan) != (Self.isToItself($0) || recipe.allows($0))
            }
            #expect(wrong.isEmpty, "\(recipe.testDescription): \(wrong.prefix(8))")
        }
    }

    static let fromY: [(namespace: String, spec: Value)] = [
        ("x", ["podSelector": a, "ingress": [["from": [["namespaceSelector": y, "podSelector": b]]]]])
    ]
    static let (xa, yb, yc) = (
        PolicyWorld.Place(namespace: "x", pod: "a"), PolicyWorld.Place(namespace: "y", pod: "b"),
        PolicyWorld.Place(namespace: "y", pod: "c")
    )

    private static func passes(_ from: PolicyWorld.Place, _ plan: PolicyPlan) -> Bool {
        PolicyWorld.passes(PolicyWorld.Attempt(from: from, to: xa, transport: "tcp", port: 80), plan)
    }

    @Test func labelsChange() throws {
        var plan = try PolicyWorld.plan(Self.fromY)
        plan.setPod(PolicyWorld.key(Self.yc), PolicyPod(PolicyWorld.pod(Self.yc, labels: ["pod": "b"]), .ipv4, node: "n1"))
        #expect(Self.passes(Self.yc, plan) && Self.passes(Self.yb, plan))
        plan.setNamespace("y", labels: ["ns": "other"])
        #expect(!Self.passes(Self.yc, plan) && !Self.passes(Self.yb, plan))
        plan.setNamespace("y", labels: ["ns": "y"])
        plan.setPod(PolicyWorld.key(Self.yc), PolicyPod(PolicyWorld.pod(Self.yc), .ipv4, node: "n1"))
        #expect(!Self.passes(Self.yc, plan) && Self.passes(Self.yb, plan))
        plan.setNamespace("y", labels: nil)
        #expect(!Self.passes(Self.yb, plan))
        // The pod is no longer one that the policy is for.
        plan.setPod(PolicyWorld.key(Self.xa), PolicyPod(PolicyWorld.pod(Self.xa, labels: [:]), .ipv4, node: "n1"))
        #expect(Self.passes(Self.yc, plan))
    }

    /// Addresses are given to others, sometimes before the one before them is quite gone.
    @Test func addressesMove() throws {
        var plan = try PolicyWorld.plan(Self.fromY)
        var taker = PolicyWorld.pod(Self.yc, address: Self.xa.address)
        taker["metadata"]["creationTimestamp"] = "2026-01-02T00:00:00Z"
        plan.setPod(PolicyWorld.key(Self.yc), PolicyPod(taker, .ipv4, node: "n1"))
        #expect(Self.passes(Self.yc, plan), "the newest pod has the address, and no policy is for it")
        plan.setPod(PolicyWorld.key(Self.yc), nil)
        #expect(!Self.passes(Self.yc, plan) && Self.passes(Self.yb, plan), "it falls back")
        var ended = PolicyWorld.pod(Self.xa)
        ended["status"]["phase"] = "Succeeded"
        plan.setPod(PolicyWorld.key(Self.xa), PolicyPod(ended, .ipv4, node: "n1"))
        #expect(Self.passes(Self.yc, plan))
    }

    @Test func podsOfTheNodesNetworkAndOfOtherNodes() throws {
        var shared = PolicyWorld.pod(Self.xa)
        shared["spec"]["hostNetwork"] = true
        #expect(PolicyPod(shared, .ipv4, node: "n1") == nil)
        var plan = try PolicyWorld.plan(Self.fromY)
        plan.setPod(PolicyWorld.key(Self.xa), PolicyPod(PolicyWorld.pod(Self.xa), .ipv4, node: "n2"))
        #expect(Self.passes(Self.yc, plan), "the other node sees to it")
        #expect(plan.table.sets["ingress"]?.elements.isEmpty == true)
    }

    /// A family that no pod has an address of needs no rules.
    @Test func podsOfOneFamily() throws {
        var plan = PolicyPlan(table: "t", .ipv6)
        plan.setNamespace("x", labels: [:])
        plan.setPolicy(PolicyPlan.Key(namespace: "x", name: "p"), try Policy(PolicyWorld.policy(["podSelector": [:]], in: "x")))
        var pod = PolicyWorld.pod(Self.xa)
        pod["status"]["podIPs"] = [["ip": "10.244.1.1"]]
        plan.setPod(PolicyWorld.key(Self.xa), PolicyPod(pod, .ipv6, node: "n1"))
        #expect(plan.isEmpty)
        plan.setPod(PolicyWorld.key(Self.xa), PolicyPod(PolicyWorld.pod(Self.xa), .ipv6, node: "n1"))
        #expect(!plan.isEmpty && !Self.passes(Self.yc, plan))
        #expect(plan.table.place == "ip6 t")
    }

    /// What a change costs does not grow with what there is beside it.
    @Test func aChangeCostsWhatItTouches() throws {
        var plan = try PolicyWorld.plan(Self.fromY)
        for index in 0..<500 {
            let place = PolicyWorld.Place(namespace: "y", pod: "many-\(index)")
            plan.setPod(
                PolicyWorld.key(place),
                PolicyPod(PolicyWorld.pod(place, labels: ["pod": "b"], address: "10.250.\(index / 250).\(index % 250)"), .ipv4, node: "n1"))
        }
        plan.didPutInForce()
        #expect(plan.table.change.isEmpty)
        let place = PolicyWorld.Place(namespace: "y", pod: "new")
        let pod = PolicyPod(PolicyWorld.pod(place, labels: ["pod": "b"], address: "10.251.0.1"), .ipv4, node: "n1")
        plan.setPod(PolicyWorld.key(place), pod)
        let lines = plan.table.change.split(separator: "\n")
        #expect(lines.count == 1 && lines[0].hasPrefix("add element ip t pods-") && lines[0].hasSuffix("{ 10.251.0.1 }"))
        plan.setPod(PolicyWorld.key(place), nil)
        #expect(plan.table.change.isEmpty, "what comes and goes in between costs nothing")
        plan.didPutInForce()
        plan.setPolicy(
            PolicyPlan.Key(namespace: "x", name: "p0"),
            try Policy(
                PolicyWorld.policy(
                    [
                        "podSelector": Self.a,
                        "ingress": [["from": [["namespaceSelector": Self.y, "podSelector": Self.b]], "ports": [["port": 1]]]],
                    ],
                    in: "x")))
        #expect(plan.table.change.split(separator: "\n").count == 3, "one chain anew: \(plan.table.change)")
        plan.didPutInForce()
        plan.setPolicy(PolicyPlan.Key(namespace: "x", name: "p0"), nil)
        #expect(plan.isEmpty && plan.table.sets.count == 3 && plan.table.chains.count == 2)
    }

    @Test func noticesWhatIsMissing() throws {
        let table = try PolicyWorld.plan(Self.fromY).table
        var listing = "table ip t {\n"
        for (name, set) in table.sets { listing += "\t\(set.kind) \(name) {\n\t\ttype \(set.type)\n\t}\n\n" }
        for (name, rules) in table.chains { listing += "\tchain \(name) {\n" + rules.map { "\t\t\($0)\n" }.joined() + "\t}\n\n" }
        func holds(_ listing: String) -> Bool { table.shape.isIn(TableShape(listing: listing)) }
        #expect(holds(listing + "}\n"))
        #expect(
            !holds("") && !holds(listing.replacing("\t\tdrop\n", with: ""))
                && !holds(listing.replacing("set self", with: "set x")))
    }
}
