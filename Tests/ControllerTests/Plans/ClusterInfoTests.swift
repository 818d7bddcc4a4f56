import APIModel
import OrderedCollections
import Testing

@testable import ControllerBootstrapTokens

@Suite struct ClusterInfoTests {
    private static let now: Whole = 1_700_000_000

    /// What upstream's nodes accept.
    @Test(
        arguments: [
            (
                "Hello from the other side. I must have called a thousand times.", "my voice is my passcode",
                "VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8"
            ),
            ("", "my voice is my passcode", "7Ui1ALizW4jXphVUB7xUqC9vLYLL9RZeOFfVLoB7Tgk"),
            ("Hello from the other side. I must have called a thousand times.", "", "UfkqvDGiIFxrMnFseDj9LYJOLNrvjW8aHhF71mvvAs8"),
        ])
    func signs(content: String, secret: String, signature: String) {
        #expect(ClusterInfo.detachedSignature(of: content, "joshua", secret) == "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..\(signature)")
    }

    @Test func oneSignatureForEachToken() throws {
        let one = try #require(ClusterInfo.signed(["kubeconfig": "k", "jws-kubeconfig-gone00": "x", "more": "m"], [("abcdef", "s")]))
        #expect(Set(one.fields.keys) == ["kubeconfig", "more", "jws-kubeconfig-abcdef"])
        #expect(ClusterInfo.signed(one, [("abcdef", "s")]) == nil, "it is so already")
        #expect(ClusterInfo.signed(one, [("abcdef", "other")])?["jws-kubeconfig-abcdef"] != one["jws-kubeconfig-abcdef"])
        #expect(ClusterInfo.signed(one, []) == ["kubeconfig": "k", "more": "m"])
        #expect(ClusterInfo.signed(["jws-kubeconfig-abcdef": "x"], []) == nil, "there is nothing to sign")
        #expect(ClusterInfo.signed(.null, [("abcdef", "s")]) == nil)
    }

    private static func token(_ name: String = "bootstrap-token-abcdef", _ changes: [String: String] = [:]) -> BootstrapToken {
        var data = ["token-id": "abcdef", "token-secret": "0123456789abcdef", "usage-bootstrap-signing": "true"]
        data.merge(changes) { $1 }
        return BootstrapToken(
            secret: ["metadata": ["name": .string(name)], "data": Value(data.mapValues { Base64.encode(Array($0.utf8)) })])
    }

    @Test(
        arguments: [
            ("bootstrap-token-abcdef", [:], true), ("bootstrap-token-other0", [:], false),
            ("bootstrap-token-abc", ["token-id": "abc"], false), ("bootstrap-token-ABCDEF", ["token-id": "ABCDEF"], false),
            ("bootstrap-token-", ["token-id": ""], false), ("bootstrap-token-abcdef", ["token-secret": ""], false),
            ("bootstrap-token-abcdef", ["usage-bootstrap-signing": "yes"], false),
            ("bootstrap-token-abcdef", ["expiration": "2023-11-14T22:13:21Z"], true),
            ("bootstrap-token-abcdef", ["expiration": "2023-11-14T22:13:20Z"], false),
            ("bootstrap-token-abcdef", ["expiration": "soon"], false),
        ] as [(String, [String: String], Bool)])
    func signsWithWhatIsForIt(name: String, changes: [String: String], signs: Bool) {
        #expect((Self.token(name, changes).signingKey(now: Self.now) != nil) == signs)
    }

    @Test(
        arguments: [
            ("", nil), ("2023-11-14T22:13:30Z", 10), ("2023-11-14T23:13:30+01:00", 10), ("2023-11-14T22:13:20Z", 0),
            ("1970-01-01T00:00:00Z", 0), ("tomorrow", 0),
        ] as [(String, Whole?)])
    func expires(end: String, left: Whole?) { #expect(Self.token("t", ["expiration": end]).secondsLeft(now: Self.now) == left) }
}
