import APIModel
import Testing

struct LabelSelectorTests {
    static let labels = ["app": "web", "tier": "front", "count": "5"]

    @Test(arguments: [
        ("", true), ("app=web", true), ("app==web", true), ("app!=web", false), ("app=db", false), ("app in (web, db)", true),
        ("app notin (web)", false),
        ("missing notin (x)", true),
        ("app", true), ("!app", false), ("!missing", true), ("missing!=x", true), ("app=web,tier=front", true),
        ("app=web,tier=back", false), ("count>4", true), ("count<5", false),
        ("missing=", false), ("app in (web),!x", true),
    ])
    func matches(text: String, expected: Bool) throws { #expect(try LabelSelector(parsing: text).matches(Self.labels) == expected) }

    @Test(arguments: [
        ("a=b c", "found 'c', expected: ',' or 'end of string'"), ("a in b", "unable to parse requirement: found 'b' expected: '('"),
        (",", "found ',', expected: !, identifier, or 'end of string'"), ("a,", "found '', expected: identifier after ','"),
        (
            "a~b=c",
            "unable to parse requirement: <nil>: Invalid value: \"a~b\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
        ),
        ("a blah b", "unable to parse requirement: found 'blah', expected: in, notin, =, ==, !=, gt, lt"),
    ])
    func refused(text: String, message: String) {
        let error = #expect(throws: APIError.self) { try LabelSelector(parsing: text) }
        #expect(error?.message == message)
        #expect(error?.code == 400)
    }

    @Test func ofObjects() throws {
        #expect(try !LabelSelector(Value.null).matches(Self.labels))
        #expect(try LabelSelector(Value.emptyObject).isEmpty)
        let selector = try LabelSelector([
            "matchLabels": ["app": "web"], "matchExpressions": [["key": "tier", "operator": "In", "values": ["front", "back"]]],
        ])
        #expect(selector.matches(Self.labels))
        #expect(selector.description == "app=web,tier in (back,front)")
        #expect(throws: APIError.self) { try LabelSelector(["matchExpressions": [["key": "a", "operator": "Foo"]]]) }
    }
}
