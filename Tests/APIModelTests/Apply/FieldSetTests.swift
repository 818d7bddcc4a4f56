import Testing

@testable import APIModel

@Suite struct FieldSetTests {
    @Test(arguments: [
        ("f:spec", ".spec"), ("f:app.kubernetes.io/name", ".app.kubernetes.io/name"), ("k:{\"name\":\"web\"}", "[name=\"web\"]"),
        ("k:{\"containerPort\":80,\"protocol\":\"TCP\"}", "[containerPort=80,protocol=\"TCP\"]"), ("v:\"a\"", "[=\"a\"]"), ("v:3", "[=3]"),
        ("v:true", "[=true]"), ("i:7", "[7]"), ("v:\"a\\u003cb\"", "[=\"a<b\"]"),
    ])
    func stepsReadAndWrite(text: String, shown: String) throws {
        let element = try #require(try PathElement(text: text))
        #expect(element.text == text)
        #expect(element.description == shown)
    }

    @Test(arguments: ["", "f", "spec", "k:{", "k:[1]", "v:", "i:x"])
    func whatIsNoStepIsRefused(text: String) {
        #expect(throws: PathElement.Malformed.self) { try PathElement(text: text) }
    }

    @Test func stepsOfLaterVersionsAreLeftOut() throws {
        #expect(try PathElement(text: "x:new") == nil)
        #expect(try ApplySample.set(#"{"x:new":{},"f:a":{"x:new":{}}}"#) == ApplySample.set(#"{"f:a":{}}"#))
    }

    @Test func setsAreWrittenInOrder() throws {
        let mixed =
            #"{"i:2":{},"v:1":{},"k:{\"b\":1}":{".":{},"f:x":{}},"f:b":{},"k:{\"a\":10}":{},"k:{\"a\":9}":{},"f:a":{"f:c":{},"f:b":{}}}"#
        let sorted =
            #"{"f:a":{"f:b":{},"f:c":{}},"f:b":{},"k:{\"a\":9}":{},"k:{\"a\":10}":{},"k:{\"b\":1}":{".":{},"f:x":{}},"v:1":{},"i:2":{}}"#
        #expect(ApplySample.text(try ApplySample.set(mixed)) == sorted)
    }

    struct Operation: Sendable, CustomTestStringConvertible {
        var a: String
        var b: String
        var union: String
        var intersection: String
        var difference: String
        var deepDifference: String
        var testDescription: String { "\(a) and \(b)" }
    }

    @Test(arguments: [
        Operation(
            a: #"{"f:a":{},"f:b":{}}"#, b: #"{"f:b":{},"f:c":{}}"#, union: #"{"f:a":{},"f:b":{},"f:c":{}}"#, intersection: #"{"f:b":{}}"#,
            difference: #"{"f:a":{}}"#, deepDifference: #"{"f:a":{}}"#),
        // What is below a field stays when the field itself is taken out, unless all below it is meant.
        Operation(
            a: #"{"f:a":{".":{},"f:x":{},"f:y":{}}}"#, b: #"{"f:a":{}}"#, union: #"{"f:a":{".":{},"f:x":{},"f:y":{}}}"#,
            intersection: #"{"f:a":{}}"#, difference: #"{"f:a":{"f:x":{},"f:y":{}}}"#, deepDifference: #"{}"#),
        Operation(
            a: #"{"f:a":{"f:x":{},"f:y":{}}}"#, b: #"{"f:a":{"f:x":{}}}"#, union: #"{"f:a":{"f:x":{},"f:y":{}}}"#,
            intersection: #"{"f:a":{"f:x":{}}}"#, difference: #"{"f:a":{"f:y":{}}}"#, deepDifference: #"{"f:a":{"f:y":{}}}"#),
        Operation(
            a: #"{"f:a":{"f:x":{}}}"#, b: #"{"f:a":{"f:x":{}}}"#, union: #"{"f:a":{"f:x":{}}}"#, intersection: #"{"f:a":{"f:x":{}}}"#,
            difference: #"{}"#, deepDifference: #"{}"#),
        Operation(a: #"{}"#, b: #"{"f:a":{}}"#, union: #"{"f:a":{}}"#, intersection: #"{}"#, difference: #"{}"#, deepDifference: #"{}"#),
    ])
    func operations(_ row: Operation) throws {
        let (a, b) = (try ApplySample.set(row.a), try ApplySample.set(row.b))
        #expect(ApplySample.text(a.union(b)) == row.union)
        #expect(ApplySample.text(b.union(a)) == row.union)
        #expect(ApplySample.text(a.intersection(b)) == row.intersection)
        #expect(ApplySample.text(a.subtracting(b)) == row.difference)
        #expect(ApplySample.text(a.subtractingAll(b)) == row.deepDifference)
    }

    @Test func pathsAreFound() throws {
        let set = try ApplySample.set(#"{"f:a":{".":{},"k:{\"name\":\"x\"}":{"f:b":{}}}}"#)
        #expect(set.paths.map { $0.map(\.description).joined() } == [".a", ".a[name=\"x\"].b"])
        #expect(set.contains([.field("a")]))
        #expect(!set.contains([.field("a"), .keys([.init("name", "x")])]))
        #expect(set.contains([.field("a"), .keys([.init("name", "x")]), .field("b")]))
        #expect(!set.contains([]))
    }

    /// An object, its kind, and the fields it has.
    @Test(arguments: [
        // Structures are not fields themselves, but for empty ones; entries of maps and elements of lists are.
        (
            #"{"spec":{"containers":[{"name":"c","image":"i","resources":{},"ports":[{"containerPort":80}]}]}}"#, true,
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:ports":{"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}}},"f:resources":{}}}}}"#
        ),
        (
            #"{"metadata":{"labels":{"a":"b"},"finalizers":["x/y"],"ownerReferences":[{"uid":"1","name":"o"}]}}"#, true,
            #"{"f:metadata":{"f:finalizers":{"v:\"x/y\"":{}},"f:labels":{"f:a":{}},"f:ownerReferences":{"k:{\"uid\":\"1\"}":{}}}}"#
        ),
        // Atomic ones are one field.
        (
            #"{"spec":{"nodeSelector":{"a":"b"},"containers":[{"name":"c","command":["a","b"]}]}}"#, true,
            #"{"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:command":{},"f:name":{}}},"f:nodeSelector":{}}}"#
        ),
        (
            #"{"spec":{"tags":["b","a"],"args":["x"],"selector":{"a":"b"},"labels":{"c":"d"},"free":{"deep":{"er":[1]}},"either":1}}"#,
            false,
            #"{"f:spec":{"f:args":{},"f:either":{},"f:free":{"f:deep":{".":{},"f:er":{}}},"f:labels":{"f:c":{}},"f:selector":{},"f:tags":{"v:\"a\"":{},"v:\"b\"":{}}}}"#
        ),
        (
            #"{"spec":{"ports":[{"port":1,"name":"x"},{"port":1,"protocol":"UDP"}]}}"#, false,
            #"{"f:spec":{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}},"k:{\"port\":1,\"protocol\":\"UDP\"}":{".":{},"f:port":{},"f:protocol":{}}}}}"#
        ),
        // Elements that are there twice are known as a whole alone.
        (
            #"{"spec":{"ports":[{"port":1,"name":"x"},{"port":1,"name":"y"}]}}"#, false,
            #"{"f:spec":{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{}}}}"#
        ),
    ])
    func fieldsOfAnObject(object: String, isPod: Bool, expected: String) {
        let set = FieldSet(of: ApplySample.json(object), isPod ? ApplySample.pod : ApplySample.custom)
        #expect(ApplySample.text(set) == expected)
    }
}
