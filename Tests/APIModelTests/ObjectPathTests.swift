import APIModel
import Testing

@Suite struct ObjectPathTests {
    private static let object: Value = [
        "metadata": ["name": "cart", "labels": ["kubernetes.io/service-name": "shop", "app": "cart"]],
        "spec": ["nodeName": "n1", "priority": 7, "paused": false, "ports": [1]],
    ]

    @Test(arguments: [
        ("spec.nodeName", "n1"), ("metadata.labels['kubernetes.io/service-name']", "shop"), ("metadata.labels['app']", "cart"),
        ("metadata.labels.app", "cart"), ("spec.priority", "7"), ("spec.paused", "false"), ("spec.ports", ""), ("spec", ""),
        ("nobody.there", ""),
        ("spec.nodeName.deeper", ""),
    ])
    func textOfAField(path: String, text: String) throws {
        let read = try #require(ObjectPath(path))
        #expect(read.text(in: Self.object) == text)
        #expect(read.description == path)
    }

    @Test func valuesOfAnyKind() throws {
        #expect(try #require(ObjectPath("spec.ports")).value(in: Self.object) == [1])
        #expect(try #require(ObjectPath("spec.nothing")).value(in: Self.object).isNull)
    }

    @Test(arguments: [
        ("spec.volumes[*].claim.name", ["a", "b"]), ("spec.volumes[*].name", ["one", "two", "three"]), ("spec.volumes[*].nothing", []),
        ("spec.nothing[*].name", []), ("spec.nodeName", ["n1"]), ("spec.nothing", []), ("spec.volumes[*].items[*].key", ["x", "y", "z"]),
    ])
    func severalFields(path: String, texts: [String]) throws {
        let object: Value = [
            "spec": [
                "nodeName": "n1",
                "volumes": [
                    ["name": "one", "claim": ["name": "a"], "items": [["key": "x"], ["key": "y"]]],
                    ["name": "two", "claim": ["name": "b"]],
                    ["name": "three", "items": [["key": "z"]]],
                ],
            ]
        ]
        let read = try #require(ObjectPath(path))
        #expect(read.texts(in: object) == texts)
        if read.isPlural { #expect(read.value(in: object).elements.compactMap(\.string) == texts && read.text(in: object).isEmpty) }
    }

    @Test(arguments: [
        "[*].a", "a[*]", "a[*]b", "a[*]..b", "", ".", "a.", ".a", "a..b", "['a']", "a['b", "a[b]", "a['']", "a['b']c", "a b", "a,b",
        "größe",
    ])
    func whatIsNoPath(text: String) { #expect(ObjectPath(text) == nil) }
}
