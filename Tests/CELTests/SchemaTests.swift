import APIModel
import Testing

@testable import CEL

struct SchemaTests {
    @Test(arguments: [
        ("self.name == 'web'", "true"), ("self.nothing", "refused: 1:5: undefined field 'nothing'"), ("has(self.text)", "true"),
        ("self.count + 1", "4"), ("self.ratio", "2.0"), ("self.ratio > 1.5", "true"),
        ("self.count / self.ratio", "refused: 1:12: found no matching overload for '_/_' applied to '(int, double)'"),
        ("self.on ? self.name : self.text", #""web""#), ("self.port == 'http'", "true"), ("type(self.port)", "string"),
        ("self.port == 80", "false"),
        ("self.maybe == null", "refused: 1:12: found no matching overload for '_==_' applied to '(string, null)'"),
        ("has(self.maybe)", "false"), ("self.maybe.size()", "error: no such key: maybe"), ("self.when.getHours()", "3"),
        ("self.when < timestamp('2025-01-01T00:00:00Z')", "true"), ("self.day.getDate()", "2"),
        ("self.wait == duration('1m30s')", "true"), ("self.data == b'hi'", "true"), ("size(self.data)", "2"),
        ("self.tags == ['a', 'b']", "true"), ("self.tags + ['c', 'a']", #"["b", "a", "c"]"#),
        ("['c', 'a'] + self.tags", #"["c", "a", "b", "a"]"#), ("self.tags[0]", #""b""#), ("'a' in self.tags", "true"),
        ("self.tags.exists(t, t == 'b')", "true"), ("self.ports.map(p, p.name)", #"["x", "y"]"#), ("self.ports[0].port", "1"),
        ("self.ports == [self.ports[1], self.ports[0]]", "true"), ("self.numbers == [1, 2, 3]", "false"), ("self.numbers.sum()", "6"),
        ("self.numbers[?9].orValue(0)", "0"), ("self.labels.app", #""web""#), ("self.labels['none']", "error: no such key: none"),
        ("self.labels.all(k, self.labels[k].size() < 9)", "true"), ("'app' in self.labels", "true"),
        ("self.?text.orValue('')", #""hello""#), ("self.?labels.?none.hasValue()", "false"), ("self.embedded.kind", #""Pod""#),
        ("self.embedded.metadata.name", #""p""#), ("self.embedded.metadata.labels", "refused: 1:23: undefined field 'labels'"),
        ("self.embedded.spec", "refused: 1:14: undefined field 'spec'"), ("self.free.known", "1"),
        ("self.free.unknown", "refused: 1:10: undefined field 'unknown'"), ("self.opaque", "refused: 1:5: undefined field 'opaque'"),
        ("has(self.opaque)", "refused: 1:4: undefined field 'opaque'"), ("self.__namespace__", "7"), ("self.a__dash__b", "1"),
        ("self.a__underscores__b", "2"), ("self.a__dot__b", "3"), ("self.a__slash__b", "4"), ("self.level == 'low'", "true"),
        ("self.level == 1", "refused: 1:12: found no matching overload for '_==_' applied to '(string, int)'"),
        ("self == self", "true"),
        (
            "self.all(x, true)",
            "refused: 1:1: expression of type 'selfType' cannot be range of a comprehension (must be list, map, or dynamic)"
        ),
        ("type(self.name)", "string"), ("self.embedded", #"{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}"#),
        ("self.name + self.count", "refused: 1:11: found no matching overload for '_+_' applied to '(string, int)'"),
        ("self.text.matches('^h')", "true"), ("self.ports.all(p, p.port > 0 && p.name != '')", "true"),
    ])
    func values(text: String, expected: String) throws {
        #expect(outcome(text, in: Example.environment, try Example.variables()) == expected)
    }

    /// JSON that does not fit its schema is an error where an expression looks at it, and nowhere else.
    @Test func misfits() throws {
        var object = Example.object
        object["count"] = "three"
        object["day"] = "yesterday"
        let variables: Variables = ["self": try CELValue(object, Example.type)]
        let of = { outcome($0, in: Example.environment, variables) }
        #expect(of("self.name") == #""web""#)
        #expect(of("self.count == 3") == "error: invalid data, expected int, got string")
        #expect(of("self.day.getDate() == 1") == "error: Invalid date formatted string yesterday: cannot be parsed")
    }

    /// Sets and maps made of lists are merged by their elements and keys, as apply merges them.
    @Test func mergedLists() throws {
        let schema: Value = [
            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"],
            "items": ["type": "object", "properties": ["k": ["type": "integer"], "v": ["type": "string"]]],
        ]
        let type = SchemaType(schema)
        let environment = Environment.kubernetes.with([Variable("self", type.declared!), Variable("oldSelf", type.declared!)])
        let variables: Variables = [
            "self": try CELValue([["k": 1, "v": "a"], ["k": 2, "v": "b"]], type),
            "oldSelf": try CELValue([["k": 2, "v": "c"], ["k": 3, "v": "d"]], type),
        ]
        #expect(outcome("(self + oldSelf).map(e, e.v)", in: environment, variables) == #"["a", "c", "d"]"#)
        #expect(outcome("oldSelf.all(o, self.exists(s, s.k == o.k))", in: environment, variables) == "false")
    }

    /// An object of a resource has its type, name and generated name, whatever its schema says.
    @Test func resourceRoot() throws {
        let schema: Value = ["type": "object", "properties": ["spec": ["type": "object", "properties": ["a": ["type": "integer"]]]]]
        let type = SchemaType(schema, isResourceRoot: true)
        let environment = Environment.kubernetes.with([Variable("self", type.declared!)])
        let object: Value = ["apiVersion": "v1", "kind": "A", "metadata": ["name": "n", "labels": ["a": "b"]], "spec": ["a": 1]]
        let variables: Variables = ["self": try CELValue(object, type)]
        #expect(outcome("self.metadata.name + self.kind + self.apiVersion", in: environment, variables) == #""nAv1""#)
        #expect(outcome("self.metadata.labels", in: environment, variables) == "refused: 1:14: undefined field 'labels'")
    }

    @Test(arguments: [
        ("name", "name"), ("a-b", "a__dash__b"), ("a.b", "a__dot__b"), ("a/b", "a__slash__b"), ("a__b", "a__underscores__b"),
        ("namespace", "__namespace__"), ("true", "__true__"), ("int", "int"), ("_a", "_a"), ("-a", "__dash__a"),
    ])
    func fieldNames(name: String, escaped: String) {
        #expect(FieldName.escape(name) == escaped)
        #expect(FieldName.unescape(escaped) == name)
    }

    @Test func namesWithoutIdentifier() {
        for name in ["", "1a", "a b", "é", "a$"] { #expect(FieldName.escape(name) == nil) }
    }
}
