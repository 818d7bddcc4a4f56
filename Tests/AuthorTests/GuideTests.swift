import Foundation
import Testing

/// Each guide does what it says: a reader follows it on a real cluster, word for word.
@Suite(.serialized)
struct GuideTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "docs")

    private static let guides = ["scheduler-policy", "controller", "runtime", "admission"]

    @Test(arguments: guides)
    func works(guide: String) throws {
        let guide = try Guide(String(contentsOf: Self.docs.appending(path: "\(guide).md"), encoding: .utf8))
        let reader = try Reader()
        defer { reader.leave() }
        try reader.follow(guide)
    }

    @Test func everyGuideIsInTheIndexAndFollowed() throws {
        let pages = try FileManager.default.contentsOfDirectory(atPath: Self.docs.path).filter { $0.hasSuffix(".md") && $0 != "README.md" }
            .sorted()
        let index = try String(contentsOf: Self.docs.appending(path: "README.md"), encoding: .utf8)
        for page in pages { #expect(index.contains("(\(page))"), "\(page) is not in docs/README.md") }
        let guides = index.split(separator: "## ").first { $0.hasPrefix("Guides\n") } ?? ""
        let followed = Self.guides.map { "\($0).md" }
        #expect(pages.filter { guides.contains("(\($0))") } == followed.sorted(), "a new guide belongs into the list above")
    }

    @Test func aPageIsReadAsSteps() throws {
        let page = """
            # Title
            ```sh
            make
            ```
            It says:
            ```text
            done
            ```
            ```c
            // a/b.c
            int x;
            ```
            """
        #expect(
            try Guide(page).steps == [.type(command: "make\n", prints: "done\n"), .write(path: "a/b.c", text: "// a/b.c\nint x;\n")])
    }

    @Test(arguments: [
        ("```text\nx\n```", "line 3: what is printed must follow what is typed"),
        ("```\nx\n```", "line 3: a block has no language"),
        ("```c\nint x;\n```", "line 3: the first line of a file must be a comment that names it"),
        ("```sh\nmake", "the last block has no end"),
    ])
    func aPageThatCannotBeFollowedIsRefused(page: String, problem: String) {
        #expect(throws: Guide.Mistake(description: problem)) { try Guide(page) }
    }

    @Test(arguments: [
        ("NAME   AGE\nteams  5s\n", "NAME AGE\nteams   1m20s", true),
        ("sha ab12ab12ab12ab12", "sha 0123456789abcdef", true),
        ("teams 5", "teams 6", false),
        ("pod/… created", "pod/one-x created", true),
        ("pod/… created", "pod/one-x deleted", false),
        ("a\n…\nd", "a\nb\nc\nd", true),
        ("a\n…", "a\nb\nc", true),
        ("a\nd", "a\nb\nd", false),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
    ])
    func outputIsCompared(expected: String, output: String, isEqual: Bool) {
        #expect((Expectation(text: expected).difference(from: output) == nil) == isEqual)
    }
}
