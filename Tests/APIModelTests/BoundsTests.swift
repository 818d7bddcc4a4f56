import Testing

@testable import APIModel

/// Documents that ask for much with little: each is refused, or done in a time that grows with its size.
@Suite struct BoundsTests {
    private static let pods = try? Sample.resource("v1/pods")

    /// What `body` takes for ten times as much, over what it takes: well below a hundred where it grows with its input. The least of three
    /// looks, as the machine has other work.
    private func growth(_ size: Int, _ body: (Int) throws -> Void) rethrows -> Double {
        func time(_ size: Int) throws -> Double { try ContinuousClock().measure { try body(size) } / .nanoseconds(1) }
        return try (0..<3).map { _ in
            let small = Swift.max(try time(size), 100_000)
            return try time(size * 10) / small
        }.min() ?? 0
    }

    private static func map(_ count: Int) -> Value {
        Value(Dictionary(uniqueKeysWithValues: (0..<count).map { ("k\($0)", "v\($0)") }))
    }

    @Test func unknownAndDuplicateFieldsInLinearTime() throws {
        let schema = try #require(Self.pods).schema.schema
        let growth = try growth(4_000) { count in
            var duplicates: [String] = []
            let fields = (0..<count).map { "\"unknown\($0)\":1" }.joined(separator: ",")
            var value = try JSON.decode(Array("{\"spec\":{\(fields),\(fields)}}".utf8), duplicates: &duplicates)
            #expect(duplicates.count == 100)
            #expect(Pruning.prune(&value, schema: schema).count == 100)
            #expect(value["spec"] == .emptyObject)
        }
        #expect(growth < 40)
    }

    @Test func pathsOfDeepDuplicatesAreCut() throws {
        let depth = 500
        let names = (0..<depth).map { "\"\(String(repeating: "n", count: 1000))\($0)\":" }
        let json = names.map { "{" + $0 }.joined() + "{\"a\":1,\"a\":2}" + String(repeating: "}", count: depth)
        var duplicates: [String] = []
        _ = try JSON.decode(Array(json.utf8), duplicates: &duplicates)
        #expect(duplicates.map { $0.utf8.count < 1100 } == [true])
    }

    @Test func mergesInLinearTime() throws {
        let growth = try growth(3_000) { count in
            let target = Self.map(count)
            let nulls = target.strings.keys.map { "\"\($0)\":null" }.joined(separator: ",")
            let patch = try JSON.decode(Array("{\(nulls)}".utf8))
            #expect(Patch.merge(target, patch).isEmpty)
        }
        #expect(growth < 40)
    }

    @Test func strategicMergesInLinearTime() throws {
        let schema = try #require(Self.pods).schema.schema
        let growth = try growth(300) { count in
            func list(_ suffix: String) -> Value { .array((0..<count).map { ["name": .string("c\($0)\(suffix)"), "image": "i"] }) }
            let target: Value = [
                "metadata": ["finalizers": .array((0..<count).map { .string("a\($0)/x") })], "spec": ["containers": list("")],
            ]
            let patch: Value = [
                "metadata": [
                    "finalizers": .array((0..<count).map { .string("b\($0)/x") }),
                    "$deleteFromPrimitiveList/finalizers": .array((0..<count).map { .string("a\($0)/x") }),
                ],
                "spec": [
                    "containers": .array(
                        list("").elements.map { ["name": $0["name"], "$patch": "delete"] } + list("n").elements.reversed()),
                    "$setElementOrder/containers": .array(list("n").elements.reversed()),
                ],
            ]
            let result = try Patch.strategic(target, patch, schema: schema)
            #expect(result["spec"]["containers"].elements.count == count)
            #expect(result["spec"]["containers"][0]["name"] == .string("c\(count - 1)n"))
            #expect(result["metadata"]["finalizers"].elements.count == count)
        }
        #expect(growth < 40)
    }

    @Test func protobufListsInLinearTime() throws {
        let schema = try #require(Self.pods).schema.schema
        let growth = try growth(3_000) { count in
            let object: Value = ["metadata": ["annotations": Self.map(count), "finalizers": .array((0..<count).map { .string("f\($0)") })]]
            let decoded = try Protobuf.decode(try Protobuf.encode(object, as: schema), as: schema)
            #expect(decoded["metadata"]["finalizers"].elements.count == count)
            #expect(decoded["metadata"]["annotations"].strings.count == count)
        }
        #expect(growth < 40)
    }

    @Test(arguments: [
        // Copies that double what is there.
        "[" + (0..<40).map { "{\"op\":\"copy\",\"from\":\"\",\"path\":\"/c\($0)\"}" }.joined(separator: ",") + "]",
        // A long text, copied often.
        "[{\"op\":\"add\",\"path\":\"/t\",\"value\":\"\(String(repeating: "x", count: 100_000))\"},"
            + (0..<100).map { "{\"op\":\"copy\",\"from\":\"/t\",\"path\":\"/c\($0)\"}" }.joined(separator: ",") + "]",
        // Moves that wrap what is there once more.
        "["
            + repeatElement(
                #"{"op":"add","path":"/x","value":{}},{"op":"move","from":"/a","path":"/x/a"},{"op":"move","from":"/x","path":"/a"}"#,
                count: 2_000
            ).joined(separator: ",") + "]",
        "[{\"op\":\"add\",\"path\":\"\(String(repeating: "/a", count: 600))\",\"value\":1}]",
    ])
    func patchesThatGrowAreRefused(_ patch: String) throws {
        let error = #expect(throws: APIError.self) { try Patch.json(["a": ["b": 1]], try JSON.decode(Array(patch.utf8))) }
        #expect(error?.code == 422)
    }

    @Test func manyInsertionsAtTheFront() throws {
        let list = Value.array((0..<200_000).map { .int($0) })
        let patch = Value.array((0..<10_000).map { _ in ["op": "add", "path": "/l/0", "value": 1] })
        let time = ContinuousClock().measure { _ = try? Patch.json(["l": list], patch) }
        #expect(time < .seconds(30))
    }

    @Test(arguments: [
        // A long text, told often.
        "a: &a \(String(repeating: "x", count: 10_000))\nb: [" + String(repeating: "*a,", count: 10_000) + "]",
        // Nine of nine of nine.
        "a: &a [x]\n"
            + zip("bcdefghi", "abcdefgh").map { "\($0): &\($0) [\(String(repeating: "*\($1),", count: 9))]" }.joined(separator: "\n"),
        // Each as deep as may be, and the one before at its bottom.
        "a0: &a0 {}\n"
            + (1..<400).map { "a\($0): &a\($0) \(String(repeating: "[", count: 20))*a\($0 - 1)\(String(repeating: "]", count: 20))" }
            .joined(separator: "\n"),
    ])
    func aliasesThatGrowAreRefused(_ text: String) {
        #expect(throws: YAML.Error.self) { try YAML.decode(text) }
    }

    @Test func aliasesAreAliasesStill() throws {
        #expect(
            try YAML.decode("a: &a {b: [1, x]}\nc: *a\nd: {<<: *a, e: 1}") == [
                ["a": ["b": [1, "x"]], "c": ["b": [1, "x"]], "d": ["b": [1, "x"], "e": 1]]
            ])
    }

    @Test func deepDocumentsAreRefused() throws {
        for depth in [511, 513, 100_000] {
            let open = String(repeating: "[", count: depth)
            let text = open + String(repeating: "]", count: depth)
            let isJSON = (try? JSON.decode(Array(text.utf8))) != nil
            let isYAML = (try? YAML.decode(text)) != nil
            #expect(isJSON == (depth < 512) && isYAML == (depth < 512))
        }
    }

    @Test func hashesOfObjectsDiffer() {
        let objects = (0..<1000).map { ["a": .int($0)] as Value }
        #expect(Set(objects.map(\.hashValue)).count > 990)
        let (one, other): (Value, Value) = (["a": 1, "b": 2], ["b": 2.0, "a": 1])
        #expect(one.hashValue == other.hashValue)
    }
}
