import Testing

@testable import APIModel

@Suite struct ComparisonTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var what: String
        var old: String
        var new: String
        var added = "{}"
        var modified = "{}"
        var removed = "{}"
        var testDescription: String { what }
    }

    @Test(arguments: [
        Row(what: "the same", old: #"{"spec":{"size":1,"tags":["a"]}}"#, new: #"{"spec":{"tags":["a"],"size":1}}"#),
        Row(what: "a scalar", old: #"{"spec":{"size":1}}"#, new: #"{"spec":{"size":2}}"#, modified: #"{"f:spec":{"f:size":{}}}"#),
        Row(
            what: "a new structure, told with what is in it", old: "{}", new: #"{"spec":{"size":2}}"#,
            added: #"{"f:spec":{".":{},"f:size":{}}}"#),
        Row(
            what: "a structure that goes", old: #"{"spec":{"size":2}}"#, new: "{}", removed: #"{"f:spec":{".":{},"f:size":{}}}"#),
        Row(
            what: "sets, whose order says nothing", old: #"{"spec":{"tags":["a","b"]}}"#, new: #"{"spec":{"tags":["c","a"]}}"#,
            added: #"{"f:spec":{"f:tags":{"v:\"c\"":{}}}}"#, removed: #"{"f:spec":{"f:tags":{"v:\"b\"":{}}}}"#),
        Row(
            what: "atomic lists and maps", old: #"{"spec":{"args":["a"],"selector":{"a":"b"}}}"#,
            new: #"{"spec":{"args":["a","b"],"selector":{"a":"c"}}}"#, modified: #"{"f:spec":{"f:args":{},"f:selector":{}}}"#),
        Row(
            what: "elements by their keys", old: #"{"spec":{"ports":[{"port":1,"name":"x"},{"port":2}]}}"#,
            new: #"{"spec":{"ports":[{"port":3},{"port":1,"protocol":"TCP","name":"y"}]}}"#,
            added:
                #"{"f:spec":{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:protocol":{}},"k:{\"port\":3,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#,
            modified: #"{"f:spec":{"f:ports":{"k:{\"port\":1,\"protocol\":\"TCP\"}":{"f:name":{}}}}}"#,
            removed: #"{"f:spec":{"f:ports":{"k:{\"port\":2,\"protocol\":\"TCP\"}":{".":{},"f:port":{}}}}}"#),
        Row(
            what: "an empty list and none", old: #"{"spec":{"tags":[]}}"#, new: #"{"spec":{}}"#, removed: #"{"f:spec":{"f:tags":{}}}"#),
        Row(
            what: "an empty map that is filled", old: #"{"spec":{"labels":{}}}"#, new: #"{"spec":{"labels":{"a":"b"}}}"#,
            added: #"{"f:spec":{"f:labels":{"f:a":{}}}}"#),
        Row(
            what: "another type of value where anything goes", old: #"{"spec":{"free":{"x":1}}}"#, new: #"{"spec":{"free":{"x":{"y":1}}}}"#,
            added: #"{"f:spec":{"f:free":{"f:x":{"f:y":{}}}}}"#, modified: #"{"f:spec":{"f:free":{"f:x":{}}}}"#),
        Row(
            what: "an element that comes to be there twice", old: #"{"spec":{"tags":["a"]}}"#, new: #"{"spec":{"tags":["a","a"]}}"#,
            added: #"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#, removed: #"{"f:spec":{"f:tags":{"v:\"a\"":{}}}}"#),
        Row(
            what: "whole numbers, whichever way they are kept", old: #"{"spec":{"size":1}}"#, new: #"{"spec":{"size":1.0}}"#),
    ])
    func differences(_ row: Row) {
        let comparison = Comparison(ApplySample.json(row.old), ApplySample.json(row.new), ApplySample.custom)
        #expect(ApplySample.text(comparison.added) == row.added)
        #expect(ApplySample.text(comparison.modified) == row.modified)
        #expect(ApplySample.text(comparison.removed) == row.removed)
    }

    @Test func whatIsNotSeenDoesNotDiffer() throws {
        let (old, new) = (
            ApplySample.json(#"{"spec":{"size":1,"labels":{"a":"1"}},"status":{"x":1}}"#),
            ApplySample.json(#"{"spec":{"size":2,"labels":{"a":"2"}},"status":{"x":2}}"#)
        )
        let unseen = try ApplySample.set(#"{"f:spec":{"f:labels":{}},"f:status":{}}"#)
        let comparison = Comparison(old, new, ApplySample.custom, except: unseen)
        #expect(ApplySample.text(comparison.modified) == #"{"f:spec":{"f:size":{}}}"#)
        #expect(comparison.added.isEmpty && comparison.removed.isEmpty)
        #expect(comparison.names == ["f:spec"])
    }

    /// What is always there is not added by whoever creates the object.
    @Test func creatingOwnsWhatIsGiven() {
        let deployment = ApplySample.json(
            #"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"strategy":{"type":"Recreate"},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i","resources":{}}]}}},"status":{}}"#
        )
        let comparison = Comparison(ApplySample.deployment.zero, deployment, ApplySample.deployment)
        let all = comparison.added.union(comparison.modified)
        #expect(
            ApplySample.text(all)
                == #"{"f:apiVersion":{},"f:kind":{},"f:metadata":{"f:name":{}},"f:spec":{"f:replicas":{},"f:selector":{},"f:strategy":{"f:type":{}},"f:template":{"f:metadata":{"f:labels":{".":{},"f:a":{}}},"f:spec":{"f:containers":{"k:{\"name\":\"c\"}":{".":{},"f:image":{},"f:name":{},"f:resources":{}}}}}}}"#
        )
    }
}
