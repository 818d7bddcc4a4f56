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
}
