import APIModel
import Testing

@testable import CEL

struct PatchTests {
    static let environment = Environment.kubernetes.with([Variable("object", .dyn)]).withPatches

    static func json(_ text: String) throws -> Value {
        var budget = Budget()
        return try environment.compile(text).evaluate(["object": CELValue(["spec": ["replicas": 1]])], budget: &budget).json()
    }

    @Test func objects() throws {
        #expect(
            try Self.json("Object{spec: Object.spec{replicas: object.spec.replicas + 1, names: ['a'], labels: {'k': 'v'}}}")
                == ["spec": ["replicas": 2, "names": ["a"], "labels": ["k": "v"]]])
        #expect(try Self.json("Object{}") == [:])
        #expect(try Self.json("Object{?spec: optional.none()}") == [:])
        #expect(try Self.json("Object{spec: Object.spec{list: [Object.spec.list{a: 1}]}}") == ["spec": ["list": [["a": 1]]]])
    }

    @Test func patches() throws {
        #expect(
            try Self.json("[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b~c'), value: {'x': 1}}]")
                == [["op": "add", "path": "/metadata/labels/a~1b~0c", "value": ["x": 1]]])
        #expect(
            try Self.json("[JSONPatch{op: 'move', from: '/a', path: '/b'}]") == [["op": "move", "from": "/a", "path": "/b"]])
    }

    @Test(arguments: [
        ("JSONPatch{op: 'add', pth: '/'}", "refused: 1:25: undefined field 'pth'"),
        ("JSONPatch{op: 1}", "refused: 1:13: expected type of field 'op' is 'string' but provided type is 'int'"),
        ("Other{a: 1}", "refused: 1:6: undeclared reference to 'Other' (in container '')"),
        ("Object{a: 1}.a", "1"), ("Object{a: 1} == Object{a: 1}", "true"), ("JSONPatch{op: 'test', path: '/'}.op", #""test""#),
        ("type(JSONPatch{})", "JSONPatch"), ("has(Object{a: 1}.a)", "true"), ("has(Object{a: 1}.b)", "false"), ("Object{a: 1}.b", "null"),
        ("JSONPatch{}.path", #""""#),
    ])
    func types(text: String, expected: String) { #expect(outcome(text, in: Self.environment, ["object": .null]) == expected) }

    /// An object constructed in a place that its type is not named for.
    @Test func misnamed() throws {
        var budget = Budget()
        let value = try Self.environment.compile("Object{spec: Object.other{a: 1}}").evaluate(["object": .null], budget: &budget)
        guard case .object(let object as ConstructedObject) = value else {
            Issue.record("not an object: \(value)")
            return
        }
        #expect(
            object.misnamedTypes() == [
                #"unexpected type name "Object.other", expected "Object.spec", which matches field name path from root Object type"#
            ])
    }
}
