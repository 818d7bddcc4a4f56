import APIModel
import OrderedCollections
import Testing

@testable import ControllerEndpointSliceMirroring

/// How the subsets of an Endpoints object become slices.
@Suite struct MirrorTests {
    /// `a b!:80 443` are addresses, those with `!` not ready, and ports.
    private static func subset(_ text: String) -> Value {
        let halves = text.split(separator: ":", omittingEmptySubsequences: false)
        let addresses = halves[0].split(separator: " ")
        func list(_ isReady: Bool) -> Value {
            .array(addresses.filter { $0.hasSuffix("!") != isReady }.map { ["ip": .string("10.0.0.\($0.prefix { $0 != "!" })")] })
        }
        let ports = halves[1].split(separator: " ").compactMap { Whole($0) }.map { ["port": .int($0)] as Value }
        return ["addresses": list(true), "notReadyAddresses": list(false), "ports": .array(ports)]
    }

    private static func text(_ slice: Value) -> String {
        let endpoints = slice["endpoints"].elements.map { endpoint in
            (endpoint["addresses"][0].string?.split(separator: ".").last ?? "") + (endpoint["conditions"]["ready"].bool == true ? "" : "!")
        }
        return
            "\(endpoints.joined(separator: " ")):\(slice["ports"].elements.compactMap { $0["port"].int?.description }.joined(separator: " "))"
    }

    private static let cases: [(what: String, subsets: [String], slices: [String])] = [
        ("nothing", [], []),
        ("a subset without addresses", [":80"], []),
        ("a subset without ports", ["1:"], ["1:"]),
        ("one subset", ["1 2!:80 443"], ["1 2!:80 443"]),
        ("the same ports twice", ["1:80", "2!:80"], ["1 2!:80"]),
        ("the same addresses twice", ["1 2:80", "2 1:443"], ["1 2:80 443"]),
        ("as ready in one as in the other", ["1 2!:80", "1 2:443"], ["1 2!:80", "1 2:443"]),
        ("other addresses", ["1:80", "1 2:443"], ["1 2:443", "1:80"]),
        ("an address that is ready and is not", ["1:80", "1!:80"], ["1!:80"]),
    ]

    @Test(arguments: cases.indices) func subsetsBecomeSlices(index: Int) {
        let (what, subsets, slices) = Self.cases[index]
        let endpoints: Value = [
            "apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "db", "namespace": "default", "uid": "1"],
            "subsets": .array(subsets.map(Self.subset)),
        ]
        let made = Mirror(of: endpoints).changes(from: []).map { change -> String in
            if case .create(let slice) = change { Self.text(slice) } else { "\(change)" }
        }
        #expect(made.sorted() == slices, "\(what)")
    }

    @Test(
        arguments: [
            ("2001:DB8:0::1", "IPv6", "2001:db8::1"), ("::ffff:192.0.2.1", "IPv4", "192.0.2.1"), ("192.0.2.1", "IPv4", "192.0.2.1"),
        ])
    func addressesAreWrittenAsSlicesHaveThem(ip: String, type: String, address: String) {
        let subset: Value = ["addresses": [["ip": .string(ip)]], "ports": [["port": 80]]]
        let slices = Self.slices(of: ["metadata": ["name": "db"], "subsets": [subset]])
        #expect(slices.map { $0["addressType"].string } == [type])
        #expect(slices.first?["endpoints"][0]["addresses"] == [.string(address)])
    }

    /// What has no room is counted, wherever it stood.
    @Test func whatFindsNoRoomIsCounted() {
        func subset(_ half: Int) -> Value {
            let addresses = (0..<600).map { ["ip": .string("10.\(half).\($0 / 200).\($0 % 200)")] as Value }
            return ["addresses": .array(addresses), "ports": [["port": 80]]]
        }
        let subsets = [subset(0), subset(1)]
        let mirror = Mirror(of: ["metadata": ["name": "db"], "subsets": .array(subsets)])
        #expect(mirror.skipped == 200 && mirror.changes(from: []).count == 1)
    }

    private static func endpoints(_ subsets: [String], _ fields: [String: Value] = [:]) -> Value {
        var endpoints: Value = ["apiVersion": "v1", "kind": "Endpoints", "metadata": ["name": "db", "namespace": "default", "uid": "1"]]
        for (field, value) in fields { endpoints["metadata"][field] = value }
        endpoints["subsets"] = .array(subsets.map(subset))
        return endpoints
    }

    /// The slices that show it, each with a name.
    private static func slices(of endpoints: Value) -> [Value] {
        Mirror(of: endpoints).changes(from: []).enumerated().compactMap { number, change in
            guard case .create(var slice) = change else { return nil }
            slice["metadata"]["name"] = .string("db-\(number)")
            return slice
        }
    }

    private static let later: [(what: String, before: Value, after: Value, changes: String)] = [
        ("nothing", endpoints(["1 2:80"]), endpoints(["2 1:80"]), ""),
        ("an address more", endpoints(["1:80"]), endpoints(["1 2:80"]), "update 1 2:80"),
        ("an address that is not ready any more", endpoints(["1:80"]), endpoints(["1!:80"]), "update 1!:80"),
        ("a port more", endpoints(["1:80"]), endpoints(["1:80 443"]), "update 1:80 443"),
        ("another port beside", endpoints(["1:80"]), endpoints(["1:80", "2:443"]), "create 2:443"),
        ("a port less", endpoints(["1:80", "2:443"]), endpoints(["1:80"]), "delete 2:443"),
        ("no addresses", endpoints(["1:80"]), endpoints([":80"]), "delete 1:80"),
        ("a label", endpoints(["1:80"]), endpoints(["1:80"], ["labels": ["a": "b"]]), "update 1:80"),
        ("an annotation", endpoints(["1:80"]), endpoints(["1:80"], ["annotations": ["a": "b"]]), "update 1:80"),
        (
            "annotations of others", endpoints(["1:80"]),
            endpoints(
                ["1:80"],
                [
                    "annotations": [
                        "kubectl.kubernetes.io/last-applied-configuration": "{}", "endpoints.kubernetes.io/last-change-trigger-time": "x",
                    ]
                ]), ""
        ), ("made again", endpoints(["1:80"]), endpoints(["1:80"], ["uid": "2"]), "update 1:80"),
    ]

    @Test(arguments: later.indices) func slicesFollow(index: Int) {
        let (what, before, after, changes) = Self.later[index]
        let found = Mirror(of: after).changes(from: Self.slices(of: before)).map { change in
            switch change {
            case .create(let slice): "create \(Self.text(slice))"
            case .update(let slice): "update \(Self.text(slice))"
            case .delete(let slice): "delete \(Self.text(slice))"
            }
        }
        #expect(found.sorted().joined(separator: "; ") == changes, "\(what)")
    }
}
