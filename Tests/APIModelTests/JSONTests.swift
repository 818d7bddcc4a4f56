import Testing

@testable import APIModel

@Suite struct JSONTests {
    private func decode(_ text: String) throws -> Value { try JSON.decode(Array(text.utf8)) }
    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test(arguments: [
        "null", "true", "[]", "{}", "-7", "9223372036854775807", "1.5", #""a\"b\\c\n\u0001é🦅""#, #"{"b":1,"a":[1,2,{"c":null}],"":""}"#,
        "1e+21", "1e-7", "0.000001", "123456.789",
    ]) func comesBackAsItWas(json: String) throws {
        #expect(text(JSON.encode(try decode(json))) == json)
    }

    @Test(arguments: [
        (1.0, "1"), (-0.5, "-0.5"), (1e20, "100000000000000000000"), (1e21, "1e+21"), (1.5e-9, "1.5e-9"), (123e-7, "0.0000123"),
        (1234567890123456789.0, "1234567890123456800"),
        (Double.leastNonzeroMagnitude, "5e-324"), (Double.greatestFiniteMagnitude, "1.7976931348623157e+308"), (0.1, "0.1"),
        (100.25, "100.25"),
    ]) func doublesAsGoWritesThem(double: Double, json: String) {
        #expect(text(JSON.encode(.double(double))) == json)
    }

    @Test func numbers() throws {
        #expect(try decode("9223372036854775808") == .double(9_223_372_036_854_775_808))
        #expect(try decode("[123456789012345678901234567890, -100000000000000000000]") == [1.2345678901234568e29, -1e20])
        #expect(
            try decode(#"{"12345678901234567890123":12345678901234567890123}"#)["12345678901234567890123"] == .double(1.2345678901234568e22)
        )
    }

    @Test func largeTexts() throws {
        let many = Value.array((0..<20_000).map { ["name": "pod-\($0)", "index": .int($0)] })
        #expect(try JSON.decode(JSON.encode(many)) == many)
    }

    @Test func theLastOfDuplicatesCounts() throws {
        var duplicates: [String] = []
        let json =
            #"{"spec":{"replicas":1,"replicas":2,"containers":[{},{"image":"a","image":"b","env":[[{"a":1,"a":1}]]}]},"kind":1,"kind":2}"#
        let value = try JSON.decode(Array(json.utf8), duplicates: &duplicates)
        #expect(value[path: "spec", "replicas"] == 2 && value["kind"] == 2)
        #expect(duplicates == ["spec.replicas", "spec.containers[1].image", "spec.containers[1].env[0][0].a", "kind"])
    }

    @Test(arguments: [
        ("", "unexpected end of JSON input", 0), ("{", "unexpected end of JSON input", 1), (#"{"a""#, "unexpected end of JSON input", 4),
        ("{a", "invalid character 'a' looking for beginning of object key string", 1),
        ("[1,]", "invalid character ']' looking for beginning of value", 3),
        (#"{"a" 1}"#, "invalid character '1' after object key", 5), (#"{"a":1 2}"#, "invalid character '2' after object key:value pair", 7),
        ("[1 2]", "invalid character '2' after array element", 3), ("1 x", "invalid character 'x' after top-level value", 2),
        ("\"a\nb\"", "invalid character '\\n' in string literal", 2),
        ("trux", "invalid character 'x' in literal true (expecting 'e')", 3), ("01", "invalid character '1' after top-level value", 1),
        ("1.x", "invalid character 'x' after decimal point in numeric literal", 2),
        (#""\x""#, "invalid character 'x' in string escape code", 2),
        ("{'a'}", "invalid character '\\'' looking for beginning of object key string", 1),
    ]) func errorsInGosWords(json: String, message: String, offset: Int) {
        #expect(throws: JSON.Error(message: message, offset: offset)) { try decode(json) }
    }

    @Test func refusals() {
        #expect(throws: JSON.Error(message: "invalid UTF-8 in string literal", offset: 2)) { try JSON.decode([0x22, 0x61, 0xFF, 0x22]) }
        #expect(throws: JSON.Error.self) { try decode(#""\ud800""#) }
        #expect(throws: JSON.Error.self) { try decode("1e999") }
        #expect(throws: JSON.Error(message: "exceeded max depth", offset: 512)) { try decode(String(repeating: "[", count: 100_000)) }
        #expect(throws: Never.self) { try decode(String(repeating: "[", count: 500) + String(repeating: "]", count: 500)) }
    }

    @Test(arguments: [
        (
            #"{"kind":"Pod","metadata":{"name":"a","resourceVersion":"17","uid":"u"},"spec":{}}"#,
            #"{"kind":"Pod","metadata":{"name":"a","resourceVersion":"42","uid":"u"},"spec":{}}"#
        ),
        (#"{"metadata":{"name":"a"},"spec":{}}"#, #"{"metadata":{"name":"a","resourceVersion":"42"},"spec":{}}"#),
        (#"{"metadata":{}}"#, #"{"metadata":{"resourceVersion":"42"}}"#),
        (#"{"kind":"A"}"#, #"{"kind":"A","metadata":{"resourceVersion":"42"}}"#), ("{}", #"{"metadata":{"resourceVersion":"42"}}"#),
    ]) func theStorePutsTheRevisionIn(object: String, stored: String) throws {
        var (bytes, offset) = JSON.encodeForStore(try decode(object))
        bytes.insert(contentsOf: Array("42".utf8), at: offset)
        #expect(text(bytes) == stored)
    }

    @Test func pretty() throws {
        #expect(
            text(JSON.encodePretty(try decode(#"{"a":[1,{"b":{}}],"c":[]}"#)))
                == "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n  \"c\": []\n}")
    }

    @Test func mutatedInputsAreRefusedOrComeBack() throws {
        let seed = Array(
            #"{"kind":"Pod","metadata":{"labels":{"a":"é\u00e9"},"x":[1,-2.5e3,true,null,{}]},"n":12345678901234567890123}"#.utf8)
        var random = Mutations(seed: 1)
        for _ in 0..<5000 {
            let bytes = random.mutate(seed)
            guard let value = try? JSON.decode(bytes) else { continue }
            #expect(try JSON.decode(JSON.encode(value)) == value)
        }
    }
}
