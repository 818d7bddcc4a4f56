import Testing

@testable import APIModel

@Suite struct YAMLTests {
    @Test(
        arguments: [
            ("yes", true), ("On", true), ("n", false), ("off", false), ("True", true), ("~", .null), ("null", .null), ("0644", 420),
            ("0o17", 15), ("0x1F", 31), ("0b101", 5),
            ("-12", -12),
            ("+3", 3), ("1_000", 1000), ("08", 8.0), ("1.5", 1.5), (".5", 0.5), ("1e3", 1000.0), ("1.", 1.0), ("1:30", "1:30"),
            ("100m", "100m"), ("1.2.3", "1.2.3"), ("-x", "-x"),
            ("nope", "nope"),
            ("2026-01-02", "2026-01-02"), ("'yes'", "yes"), ("\"0644\"", "0644"), ("!!str 12", "12"), ("!!float 12", 12.0),
            ("!!int '12'", 12), ("!!binary aGk=", "hi"),
            ("0x", "0x"),
            ("9223372036854775808", 9_223_372_036_854_775_808.0), ("1e", "1e"), ("+", "+"), ("..", ".."), ("0xZZ", "0xZZ"),
        ] as [(String, Value)]) func scalars(text: String, value: Value) throws
    {
        let documents = try YAML.decode("a: \(text)\nb: 1")
        #expect(documents.count == 1 && documents[0]["a"] == value)
    }

    @Test func manifest() throws {
        let text = """
            # a comment
            apiVersion: v1
            kind: Pod
            metadata: {name: web, labels: {app: "web"}}
            spec:
              containers:
              - name: c
                command: [sh, -c, 'echo "hi"']
                args:
                  - |
                    one
                    two
                  - >-
                    folded
                    text
                ports:
                - containerPort: 80
            ---
            ---
            kind: List
            items: []
            ...
            """
        let documents = try YAML.decode(text)
        #expect(documents.count == 2)
        #expect(documents[0][path: "spec", "containers"][0]["args"] == ["one\ntwo\n", "folded text"])
        #expect(documents[0][path: "spec", "containers"][0]["ports"] == [["containerPort": 80]])
        #expect(documents[0][path: "metadata", "labels"] == ["app": "web"])
        #expect(documents[1] == ["kind": "List", "items": .array([])])
    }

    @Test func anchorsAndMerges() throws {
        let text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\nx:\n  <<: [*base, *other]\n  a: 9\nz: *base\n"
        let document = try #require(YAML.decode(text).first)
        #expect(document["x"] == ["a": 9, "b": 2, "c": 4])
        #expect(document["z"] == ["a": 1, "b": 2])
    }

    @Test func keysThatAreNoStrings() throws { #expect(try YAML.decode("1: a\ntrue: b\n1.5: c") == [["1": "a", "true": "b", "1.5": "c"]]) }

    @Test(arguments: [
        ("a: b: c", "mapping values are not allowed in this context", 1, 0), ("a: 1\nb: 2\na: 3", "key \"a\" already set in map", 3, 3),
        ("a: *b", "unknown anchor 'b' referenced", 1, 0), ("&a [*a]", "anchor 'a' value contains itself", 1, 0),
        ("a:\n- b\n c: d", "mapping values are not allowed in this context", 3, 3), ("a: .inf", "unsupported value: .inf", 1, 0),
        ("? [a]\n: b", "a key that is no string, number or boolean", 1, 0),
        ("a: [", "did not find expected node content", 2, 1), ("<<: 1", "map merge requires map or sequence of maps as the value", 1, 0),
        ("\tx: 1", "found character that cannot start any token", 1, 0),
    ]) func errors(text: String, message: String, line: Int, told: Int) {
        #expect(throws: YAML.Error(message: message, line: line, told: told)) { try YAML.decode(text) }
    }

    @Test func duplicatesAreToldWhereTheyAreAllowed() throws {
        var duplicates: [YAML.Error] = []
        #expect(try YAML.decode("a: 1\na: 2\n", duplicates: &duplicates) == [["a": 2]])
        #expect(duplicates.map(\.description) == ["yaml: line 2: key \"a\" already set in map"])
    }

    @Test func aliasesCannotGrowWithoutEnd() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 { text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", "))]\n" }
        #expect(throws: YAML.Error.self) { try YAML.decode(text) }
        #expect(throws: YAML.Error.self) { try YAML.decode(String(repeating: "[", count: 10_000)) }
    }

    @Test func writesAsKubectlDoes() throws {
        let value: Value = [
            "apiVersion": "v1",
            "spec": [
                "list": [["name": "a", "on": "yes"], "b"], "empty": .array([]), "none": .emptyObject, "text": "one\ntwo\n", "octal": "0644",
                "url": "a: b",
            ],
            "time": "2026-01-02T03:04:05Z", "number": 1.5,
        ]
        let text = """
            apiVersion: v1
            spec:
              list:
              - name: a
                "on": "yes"
              - b
              empty: []
              none: {}
              text: |
                one
                two
              octal: "0644"
              url: "a: b"
            time: "2026-01-02T03:04:05Z"
            number: 1.5

            """
        #expect(YAML.encode(value) == text)
        #expect(try YAML.decode(text) == [value])
    }

    @Test(arguments: [
        "", " a", "a ", "a\n\n", "\na", "a\n b\n", "-", "- a", "#", "a #b", "a: ", "é", "\u{1}", "\u{2028}", "\u{85}", "\u{FEFF}", "'",
        "\"", "---", "...", "~", "<<", "=",
        "a\r\nb", "\t", "a\tb\nc", "null", "1e3", "a:", "2026-01-02", "🦅\n🦅", "a\n\n\nb",
    ]) func everyStringComesBack(text: String) throws {
        for value in [[text: .string(text)], [.string(text), [.string(text)]], ["a": ["b": [.string(text)]]]] as [Value] {
            #expect(try YAML.decode(YAML.encode(value)) == [value])
        }
    }

    @Test func fixturesComeBack() throws {
        for fixture in RoundTripFixture.all {
            let value = try JSON.decode(fixture.json)
            #expect(try YAML.decode(YAML.encode(value)) == [value])
        }
    }

    @Test func mutatedInputsAreRefusedOrComeBack() throws {
        let seed = Array("a: &x [1, 'two', {b: yes}]\nc: |\n  text\n  more\nd: *x\n<<: {e: 0x1F}\n---\n- \"\\u00e9\"\n- >-\n  f\n".utf8)
        var random = Mutations(seed: 4)
        for _ in 0..<4000 {
            guard let text = String(validating: random.mutate(seed), as: UTF8.self), let documents = try? YAML.decode(text) else {
                continue
            }
            for document in documents { #expect(try YAML.decode(YAML.encode(document)) == [document]) }
        }
    }
}
