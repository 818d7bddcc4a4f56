import Testing

@testable import DNS

@Suite struct NameTests {
    @Test(
        arguments: [
            ("Web.Default.svc", "web.default.svc."), ("web.", "web."), ("a.b", "a.b."), ("", nil), (".", nil), ("a..b", nil), (".a", nil),
            (String(repeating: "x", count: 63), String(repeating: "x", count: 63) + "."), (String(repeating: "x", count: 64), nil),
            (String(repeating: "a.", count: 126) + "a", String(repeating: "a.", count: 127)), (String(repeating: "a.", count: 128), nil),
        ] as [(String, String?)])
    func text(_ text: String, _ expected: String?) { #expect(Name(text)?.description == expected) }

    @Test(
        arguments: [
            ("cluster.local", true), ("web.cluster.local", true), ("xcluster.local", false), ("local", false),
            ("web.cluster.locals", false),
        ])
    func within(_ text: String, _ isWithin: Bool) throws {
        #expect(try #require(Name(text)).isWithin(try #require(Name("CLUSTER.local"))) == isWithin)
    }

    @Test func oddBytes() { #expect(Name(labels: ["a.b\\ ", "\u{3}"], under: .root)?.description == "a\\.b\\\\\\032.\\003.") }
}
