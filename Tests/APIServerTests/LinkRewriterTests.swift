import Testing

@testable import APIServer

@Suite struct LinkRewriterTests {
    private static let pages: [(page: String, expected: String)] = [
        ("<a href=\"/x\">x</a>", "<a href=\"/p/x\">x</a>"), ("<A HREF='/x'>", "<A HREF='/p/x'>"), ("<a href=/x>", "<a href=/p/x>"),
        ("<img alt='a > b' src = \"/i.png\" />", "<img alt='a > b' src = \"/p/i.png\" />"),
        ("<input disabled src=\"/i\">", "<input disabled src=\"/p/i\">"),
        ("<a href=\"http://10.0.0.1:80/x\">", "<a href=\"/p/x\">"),
        ("<script src=\"/a.js\"></script>", "<script src=\"/p/a.js\"></script>"),
        // What is elsewhere, relative, or led here already stays.
        (
            "<a href=\"http://other/x\"><a href=\"//other/x\"><a href=\"x\"><a href=\"/p/x\">",
            "<a href=\"http://other/x\"><a href=\"//other/x\"><a href=\"x\"><a href=\"/p/x\">"
        ),
        // What is no markup stays, and what is no link.
        (
            "<script>if (a<b) { x = '<a href=\"/x\">' }</script><a href=\"/x\">",
            "<script>if (a<b) { x = '<a href=\"/x\">' }</script><a href=\"/p/x\">"
        ),
        ("<!-- <a href=\"/x\"> --><p title=\"/x\">1 < 2", "<!-- <a href=\"/x\"> --><p title=\"/x\">1 < 2"),
        ("<a href=\"/x", "<a href=\"/x"), ("<>< a=/><a=\"/x\">", "<>< a=/><a=\"/x\">"),
    ]

    @Test(arguments: pages) func rewritesLinksAlone(_ page: String, _ expected: String) {
        var whole = LinkRewriter(prefix: "/p", host: "10.0.0.1:80")
        #expect(String(decoding: whole.take(page.utf8) + whole.end(), as: UTF8.self) == expected)
        // However the page is cut.
        for cut in 0...page.utf8.count {
            var pieces = LinkRewriter(prefix: "/p", host: "10.0.0.1:80")
            let first = pieces.take(page.utf8.prefix(cut))
            let second = pieces.take(page.utf8.dropFirst(cut))
            #expect(String(decoding: first + second + pieces.end(), as: UTF8.self) == expected, "cut at \(cut)")
        }
    }

    @Test func aTagWithoutEndIsNotKept() {
        var rewriter = LinkRewriter(prefix: "/p", host: "h")
        let page = Array("<a href=\"".utf8) + [UInt8](repeating: 97, count: 1 << 20)
        #expect(rewriter.take(page) + rewriter.end() == page)
    }
}
