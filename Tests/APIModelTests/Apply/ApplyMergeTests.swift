import Testing

@testable import APIModel

@Suite struct ApplyMergeTests {
    @Test(arguments: [
        (#"{"spec":{"size":1,"name":"a"}}"#, #"{"spec":{"size":2}}"#, #"{"spec":{"size":2,"name":"a"}}"#),
        (#"{"spec":{"labels":{"a":"1"}}}"#, #"{"spec":{"labels":{"b":"2"}}}"#, #"{"spec":{"labels":{"a":"1","b":"2"}}}"#),
        (
            #"{"spec":{"selector":{"a":"1"},"args":["x"]}}"#, #"{"spec":{"selector":{"b":"2"},"args":["y"]}}"#,
            #"{"spec":{"selector":{"b":"2"},"args":["y"]}}"#
        ),
        (
            #"{"spec":{"ports":[{"port":1,"name":"x"}]}}"#, #"{"spec":{"ports":[{"port":1,"protocol":"TCP"}]}}"#,
            #"{"spec":{"ports":[{"port":1,"name":"x","protocol":"TCP"}]}}"#
        ),
        // Lists: what both have in the configuration's order, the rest where it was among them.
        (#"{"spec":{"tags":["a","b"]}}"#, #"{"spec":{"tags":["b","a"]}}"#, #"{"spec":{"tags":["b","a"]}}"#),
        (#"{"spec":{"tags":["a","b","c"]}}"#, #"{"spec":{"tags":["c","a"]}}"#, #"{"spec":{"tags":["b","c","a"]}}"#),
        (#"{"spec":{"tags":["a","b"]}}"#, #"{"spec":{"tags":["x"]}}"#, #"{"spec":{"tags":["a","b","x"]}}"#),
        (#"{"spec":{"tags":["a","b"]}}"#, #"{"spec":{"tags":["x","b"]}}"#, #"{"spec":{"tags":["a","x","b"]}}"#),
        (#"{"spec":{"tags":["a"]}}"#, #"{"spec":{"tags":[]}}"#, #"{"spec":{"tags":["a"]}}"#),
        (#"{"spec":{}}"#, #"{"spec":{"tags":[]}}"#, #"{"spec":{"tags":[]}}"#),
        // An element that is there twice is replaced.
        (
            #"{"spec":{"ports":[{"port":1,"name":"x"},{"port":1,"name":"y"}]}}"#, #"{"spec":{"ports":[{"port":1,"name":"z"}]}}"#,
            #"{"spec":{"ports":[{"port":1,"name":"z"}]}}"#
        ),
    ])
    func merging(live: String, applied: String, expected: String) throws {
        let merged = try ApplyMerge.merge(ApplySample.json(live), ApplySample.json(applied), ApplySample.custom)
        #expect(merged == ApplySample.json(expected))
    }

    @Test(arguments: [
        (#"{"spec":{"nope":1}}"#, ".spec.nope: field not declared in schema"),
        (#"{"spec":{"size":"big"}}"#, ".spec.size: expected numeric (int or float), got string"),
        (#"{"spec":{"name":{}}}"#, ".spec.name: expected string, got &value.valueUnstructured{Value:map[]}"),
        (#"{"spec":{"tags":"a"}}"#, ".spec.tags: expected list, got &{a}"),
        (#"{"spec":[]}"#, ".spec: expected map, got &{[]}"),
        (#"{"spec":{"tags":["a","a"]}}"#, #".spec.tags: duplicate entries for key [="a"]"#),
        (
            #"{"spec":{"ports":[{"port":1},{"port":1,"protocol":"TCP"}]}}"#,
            #".spec.ports: duplicate entries for key [port=1,protocol="TCP"]"#
        ),
        (#"{"spec":{"ports":["x"]}}"#, ".spec.ports: element 0: associative list with keys may not have non-map elements"),
        (#"{"spec":{"tags":[{}]}}"#, ".spec.tags: element 0: associative list without keys has an element that's a map type"),
        (#"{"spec":{"selector":{"a":1}}}"#, ".spec.selector.a: expected string, got &value.valueUnstructured{Value:1}"),
        (#"{"metadata":{"nope":1}}"#, ".metadata.nope: field not declared in schema"),
    ])
    func whatIsNotOfItsKindIsNamed(configuration: String, problem: String) {
        let error = #expect(throws: ApplyProblem.self) { try ApplyProblem.check(ApplySample.json(configuration), ApplySample.custom) }
        #expect(error?.description == problem)
    }

    @Test(arguments: [#"{"spec":{"free":{"any":[{"thing":1}]},"either":"x"}}"#, #"{"spec":{"size":null,"tags":null,"labels":null}}"#])
    func whatIsOfItsKindPasses(configuration: String) throws {
        try ApplyProblem.check(ApplySample.json(configuration), ApplySample.custom)
    }

    @Test(arguments: [
        (#"{"f:spec":{"f:size":{}}}"#, #"{"spec":{"size":1,"name":"a"}}"#, #"{"spec":{"name":"a"}}"#),
        (#"{"f:spec":{"f:size":{}}}"#, #"{"spec":{"size":1}}"#, #"{"spec":{}}"#),
        (#"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#, #"{"spec":{"tags":["a","b"]}}"#, #"{"spec":{"tags":["b"]}}"#),
        (#"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#, #"{"spec":{"tags":["a"]}}"#, #"{"spec":{"tags":[]}}"#),
        (
            #"{"f:spec":{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:name":{}}}}}"#,
            #"{"spec":{"ports":[{"port":1,"name":"x"}]}}"#,
            #"{"spec":{"ports":[{"port":1}]}}"#
        ),
    ])
    func removing(set: String, object: String, expected: String) throws {
        let rest = FieldRemoval.remove(try ApplySample.set(set), from: ApplySample.json(object), ApplySample.custom)
        #expect(rest == ApplySample.json(expected))
    }
}
