import APIModel
import Exposition
import Foundation
import HTTPTypes
import Logging
import PKI
import Synchronization
import Testing

@testable import APIServer

/// The tokens of other issuers.
@Suite struct OpenIDTests {
    private static let rsa = Result { try SigningKey.rsa() }
    private static let now: Whole = 1_800_000_000

    /// The claims of a good token, with what the test changes about them.
    private static func claims(_ issuer: TestIssuer, _ changes: Value = .emptyObject) -> Value {
        Change.apply(
            changes, to: ["iss": .string(issuer.url), "aud": "apus", "sub": "carol", "exp": .int(now + 600), "iat": .int(now), "jti": "t1"])
    }

    private static func tokens(_ entry: Value) throws -> IssuedTokens {
        IssuedTokens(try AuthenticationConfiguration(TestIssuer.file(entry), ownIssuers: ["https://own"]), now: { now })
    }

    private static func user(_ tokens: IssuedTokens, _ token: String) async -> UserInfo? {
        if case .user(let user, nil, _) = await tokens.authenticate(token: token, audiences: []) { user } else { nil }
    }

    /// Why a token is not believed, `unknown` where nobody here knows it.
    private static func refusal(_ tokens: IssuedTokens, _ token: String) async -> String {
        switch await tokens.authenticate(token: token, audiences: []) {
        case .user(let user, _, _): "let in as \(user.name)"
        case .unknown: "unknown"
        case .refused(let why, _): why
        }
    }

    // MARK: Signatures

    @Test(arguments: [SigningAlgorithm.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]) func anRSAKeySigns(_ algorithm: SigningAlgorithm)
        async throws
    {
        let key = try Self.rsa.get()
        try await TestIssuer.with([key]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry())
            let user = await Self.user(tokens, try key.sign(Self.claims(issuer), algorithm: algorithm))
            #expect(user?.name == "oidc:carol")
            #expect(user?.extra == ["authentication.kubernetes.io/credential-id": ["JTI=t1"]])
        }
    }

    @Test func anECKeySignsAndTheKeysAreFetchedOnce() async throws {
        let key = SigningKey()
        try await TestIssuer.with([try Self.rsa.get(), key]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry())
            for _ in 0..<3 { #expect(await Self.user(tokens, try key.sign(Self.claims(issuer)))?.name == "oidc:carol") }
            #expect(issuer.count("/keys") == 1 && issuer.count("/.well-known/openid-configuration") == 1)
            // Another audience of several.
            #expect(await Self.user(tokens, try key.sign(Self.claims(issuer, ["aud": ["x", "apus"]]))) != nil)
        }
    }

    @Test func aKeyOfWhichNobodyHeardIsAskedFor() async throws {
        let (old, new) = (SigningKey(), SigningKey())
        try await TestIssuer.with([old]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry())
            #expect(await Self.user(tokens, try old.sign(Self.claims(issuer))) != nil)
            let token = try new.sign(Self.claims(issuer))
            #expect(await Self.refusal(tokens, token).contains("failed to verify signature"))
            issuer.publish([new])
            #expect(await Self.user(tokens, token) != nil)
            #expect(await Self.user(tokens, try old.sign(Self.claims(issuer))) == nil, "a key that was withdrawn is no key any more")
        }
    }

    @Test func whatBecomesOfTokensAndKeysIsCounted() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry())
            func series() -> String {
                var text = MetricsText()
                tokens.metrics.write(to: &text)
                return text.text
            }
            #expect(!series().contains("jwt_authenticator"))
            #expect(await Self.user(tokens, try key.sign(Self.claims(issuer))) != nil)
            #expect(await Self.user(tokens, try SigningKey().sign(Self.claims(issuer))) == nil)
            // Nobody's token is not counted.
            #expect(await Self.refusal(tokens, try key.sign(["iss": "https://nobody", "sub": "a"])) == "unknown")
            let hash = HashLabel.of(issuer.url)
            #expect(hash.hasPrefix("sha256:") && hash.utf8.count == 71)
            let prefix = "apiserver_authentication_jwt_authenticator_"
            for line in [
                "latency_seconds_count{result=\"success\",jwt_issuer_hash=\"\(hash)\"} 1",
                "latency_seconds_count{result=\"failure\",jwt_issuer_hash=\"\(hash)\"} 1",
                "jwks_fetch_last_key_set_info{jwt_issuer_hash=\"\(hash)\",apiserver_id_hash=\"\",hash=\"sha256:",
                "jwks_fetch_last_timestamp_seconds{result=\"success\",jwt_issuer_hash=\"\(hash)\",apiserver_id_hash=\"\"} ",
            ] {
                #expect(series().contains("\n\(prefix)\(line)"), "\(line)")
            }
        }
    }

    @Test func whatIsNotGoodIsRefusedAndSaysWhy() async throws {
        let (key, other) = (SigningKey(), SigningKey())
        try await TestIssuer.with([key]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry())
            let good = try key.sign(Self.claims(issuer))
            func signed(_ changes: Value) throws -> String { try key.sign(Self.claims(issuer, changes)) }
            var parts = good.split(separator: ".").map(String.init)
            let changed = try signed(["sub": "root"]).split(separator: ".").map(String.init)
            parts[1] = changed[1]
            let header = Base64.encode(Array(#"{"alg":"none"}"#.utf8)).filter { $0 != "=" }
            let shared = Base64.encode(Array(#"{"alg":"HS256"}"#.utf8)).filter { $0 != "=" }
            let expectations: [(token: String, why: String)] = [
                (try signed(["exp": .int(Self.now - 1)]), "token is expired"), (try signed(["exp": Change.gone]), "token is expired"),
                (try signed(["exp": "soon"]), "token is expired"),
                (try signed(["nbf": .int(Self.now + 301)]), "before the nbf (not before) time"),
                (try signed(["aud": "other"]), "expected audience in [\"apus\"] got [\"other\"]"),
                (try signed(["aud": Change.gone]), "expected audience"),
                (parts.joined(separator: "."), "failed to verify signature"),
                ("\(header).\(parts[1]).", "unsupported algorithm"), ("\(shared).\(parts[1]).\(parts[2])", "unsupported algorithm"),
                (try other.sign(Self.claims(issuer)), "failed to verify signature"),
                (try other.sign(Self.claims(issuer), id: key.publicKey.id), "failed to verify signature"),
                (try signed(["sub": Change.gone]), "parse username claims \"sub\": claim not present"),
                (try signed(["sub": 7]), "parse username claims \"sub\": not a string"),
                (try signed(["sub": ""]), "it is empty"), (try signed(["iss": "https://elsewhere"]), "unknown"),
                (try signed(["iss": Change.gone]), "unknown"), ("", "unknown"), ("a.b.c", "unknown"), ("{}", "unknown"),
                (good + ".", "unknown"),
            ]
            for (token, why) in expectations {
                let told = await Self.refusal(tokens, token)
                #expect(told.contains(why), "\(told) where \(why) is expected")
            }
            // Within what clocks may differ, and at the last second.
            #expect(await Self.user(tokens, try signed(["nbf": .int(Self.now + 300), "exp": .int(Self.now)])) != nil)
        }
    }

    @Test func anIssuerThatIsNotWhoItShouldBeIsNotBelieved() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let token = try key.sign(Self.claims(issuer))
            let configuration = "/.well-known/openid-configuration"
            let good: Value = ["issuer": .string(issuer.url), "jwks_uri": .string("\(issuer.url)/keys")]
            for (document, why) in [
                (nil, "status code 404"), (["issuer": "https://other", "jwks_uri": "x"], "issuer did not match"),
                (["issuer": .string(issuer.url)], "did not return JWKS URL"),
                (["issuer": .string(issuer.url), "jwks_uri": "http://127.0.0.1/keys"], "no URL of https"), ("word", "issuer did not match"),
            ] as [(Value?, String)] {
                issuer.publish(document, at: configuration)
                let told = await Self.refusal(try Self.tokens(issuer.entry()), token)
                #expect(told.contains(why), "\(told)")
            }
            issuer.publish(good, at: configuration)
            let stranger = try Self.tokens(
                issuer.entry(["issuer": ["certificateAuthority": .string(try CertificateAuthority.create(commonName: "x").certificatePEM)]])
            )
            #expect(await Self.user(stranger, token) == nil)
            issuer.publish(text: Array("no JSON".utf8), at: "/keys")
            #expect(await Self.user(try Self.tokens(issuer.entry()), token) == nil)
            issuer.publish(["keys": [["kty": "oct"], ["kty": "RSA", "n": "AA", "e": "AQAB"], "x", key.publicKey.jwk]], at: "/keys")
            #expect(await Self.user(try Self.tokens(issuer.entry()), token) != nil, "keys of other kinds are passed over")
            let elsewhere = try Self.tokens(issuer.entry(["issuer": ["discoveryURL": .string("\(issuer.url)/discovery")]]))
            issuer.publish(good, at: "/discovery")
            issuer.publish(nil, at: configuration)
            #expect(await Self.user(elsewhere, token) != nil)
        }
    }

    // MARK: Who it is

    @Test func claimsAreMappedToUsers() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let token = try key.sign(
                Self.claims(
                    issuer,
                    [
                        "email": "c@example.com", "email_verified": true, "groups": ["a", "b"], "role": "ops", "level": 3,
                        "team": ["name": "blue"],
                    ]))
            func user(_ mappings: Value) async throws -> UserInfo {
                var entry = issuer.entry()
                entry["claimMappings"] = mappings
                var user = try #require(await Self.user(try Self.tokens(entry), token))
                user.extra["authentication.kubernetes.io/credential-id"] = nil
                return user
            }
            #expect(
                try await user([
                    "username": ["claim": "email", "prefix": ""], "groups": ["claim": "groups", "prefix": "g:"], "uid": ["claim": "sub"],
                ]) == UserInfo(name: "c@example.com", uid: "carol", groups: ["g:a", "g:b"]))
            #expect(
                try await user(["username": ["claim": "sub", "prefix": ""], "groups": ["claim": "role", "prefix": ""]])
                    == UserInfo(name: "carol", groups: ["ops"]))
            #expect(
                try await user(["username": ["claim": "sub", "prefix": ""], "groups": ["claim": "absent", "prefix": ""]])
                    == UserInfo(name: "carol"))
            #expect(
                try await user([
                    "username": ["expression": "claims.sub + ':' + claims.team.name"],
                    "groups": ["expression": "claims.groups.filter(g, g != 'a') + [claims.role]"],
                    "uid": ["expression": "'u-' + claims.sub"],
                    "extra": [
                        ["key": "example.com/team", "valueExpression": "claims.team.name"],
                        ["key": "example.com/none", "valueExpression": "claims.?absent.orValue(null)"],
                        [
                            "key": "example.com/level",
                            "valueExpression": "claims.level == 3 && type(claims.level) == double ? 'three' : ''",
                        ],
                    ],
                ])
                    == UserInfo(
                        name: "carol:blue", uid: "u-carol", groups: ["b", "ops"],
                        extra: ["example.com/team": ["blue"], "example.com/level": ["three"]]))
        }
    }

    @Test func rulesMustHold() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            func told(_ changes: Value, _ claims: Value = .emptyObject) async throws -> String {
                await Self.refusal(try Self.tokens(issuer.entry(changes)), try key.sign(Self.claims(issuer, claims)))
            }
            let required: Value = ["claimValidationRules": [["claim": "hd", "requiredValue": "example.com"]]]
            #expect(try await told(required, ["hd": "example.com"]) == "let in as oidc:carol")
            #expect(try await told(required).contains("required claim hd not present in ID token"))
            #expect(try await told(required, ["hd": "other"]).contains("Got = other, want = example.com"))
            #expect(try await told(required, ["hd": true]).contains("parse claim hd"))
            let short: Value = [
                "claimValidationRules": [["expression": "claims.exp - claims.iat <= 600", "message": "lives too long"]]
            ]
            #expect(try await told(short) == "let in as oidc:carol")
            #expect(try await told(short, ["exp": .int(Self.now + 601)]).contains("failed: lives too long"))
            #expect(try await told(short, ["iat": Change.gone]).contains("resulted in error"))
            let system: Value = [
                "claimMappings": ["username": ["prefix": ""]],
                "userValidationRules": [["expression": "!user.username.startsWith('system:')", "message": "reserved"]],
            ]
            #expect(try await told(system) == "let in as carol")
            #expect(try await told(system, ["sub": "system:admin"]).contains("failed: reserved"))
            let email: Value = ["claimMappings": ["username": ["claim": "email"]]]
            #expect(try await told(email, ["email": "c@d"]) == "let in as oidc:c@d")
            #expect(try await told(email, ["email": "c@d", "email_verified": false]).contains("email not verified"))
            #expect(try await told(email, ["email": "c@d", "email_verified": "yes"]).contains("email_verified"))
            let groups: Value = ["claimMappings": ["groups": ["claim": "groups", "prefix": ""]]]
            #expect(try await told(groups, ["groups": ["a", 1]]).contains("parse groups claim"))
        }
    }

    @Test func aClaimMayBeSomewhereElse() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let tokens = try Self.tokens(issuer.entry(["claimMappings": ["groups": ["claim": "groups", "prefix": ""]]]))
            func token(_ source: Value) throws -> String {
                try key.sign(Self.claims(issuer, ["_claim_names": ["groups": "src"], "_claim_sources": ["src": source]]))
            }
            issuer.publish(text: Array(try key.sign(Self.claims(issuer, ["groups": ["far"]])).utf8), at: "/groups")
            let place: Value = ["endpoint": .string("\(issuer.url)/groups"), "access_token": "s3cret"]
            #expect(await Self.user(tokens, try token(place))?.groups == ["far"])
            #expect(issuer.credentials == ["Bearer s3cret"])
            issuer.publish(text: Array(try key.sign(Self.claims(issuer, ["aud": "other", "groups": ["far"]])).utf8), at: "/groups")
            #expect(await Self.refusal(tokens, try token(place)).contains("expected audience"))
            issuer.publish(text: Array(try key.sign(Self.claims(issuer)).utf8), at: "/groups")
            #expect(await Self.refusal(tokens, try token(place)).contains("did not contain claim: groups"))
            issuer.publish(text: nil, at: "/groups")
            #expect(await Self.refusal(tokens, try token(place)).contains("while getting distributed claim"))
            #expect(await Self.user(tokens, try token(["JWT": "x"]))?.groups == [])
        }
    }

    // MARK: Through the API

    @Test func theAPIKnowsThemAndAnonymousComesWhereTheFileSays() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let file = TestIssuer.file(issuer.entry(), anonymous: ["enabled": true, "conditions": [["path": "/livez"]]])
            let configuration = try AuthenticationConfiguration(file, ownIssuers: [])
            let tokens = IssuedTokens(configuration, now: { Self.now })
            try await TestServer.with {
                $0.issuedTokens = tokens
                if let anonymous = configuration.anonymous { $0.anonymous = anonymous }
            } _: { server in
                let reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
                let answer = await server.ask(.post, reviews, .emptyObject, token: try key.sign(Self.claims(issuer)))
                #expect(answer.json[path: "status", "userInfo", "username"] == "oidc:carol")
                #expect(answer.json[path: "status", "userInfo", "groups"] == ["system:authenticated"])
                let late = try key.sign(Self.claims(issuer, ["exp": 5]))
                #expect(await server.ask(.post, reviews, .emptyObject, token: late).code == 401)
                let review = await server.ask(.post, "/apis/authentication.k8s.io/v1/tokenreviews", ["spec": ["token": .string(late)]])
                #expect(review.json["status"]["error"].string?.contains("token is expired") == true)
                for (path, code) in [("/livez", 200), ("/livez/ping", 401), ("/version", 401), ("/api", 401)] {
                    #expect(await server.ask(.get, path, token: nil).code == code, "\(path)")
                }
            }
        }
    }

    @Test(
        arguments: [
            (AnonymousAccess.nowhere, ["/livez": 401, "/version": 401, "/api/v1/pods": 401]),
            (.healthAndVersion, ["/livez": 200, "/version": 200, "/api/v1/pods": 401]),
            (.everywhere, ["/livez": 200, "/version": 200, "/api/v1/pods": 403]),
        ]) func whoShowsNothingMayWhatHeMayEverywhere(_ anonymous: AnonymousAccess, _ codes: [String: Int]) async throws
    {
        try await TestServer.with {
            $0.anonymous = anonymous
        } _: { server in
            for (path, code) in codes { #expect(await server.ask(.get, path, token: nil).code == code, "\(path)") }
        }
    }

    @Test func theFileIsReadAgain() async throws {
        let key = SigningKey()
        try await TestIssuer.with([key]) { issuer async throws in
            let path = FileManager.default.temporaryDirectory.appendingPathComponent("authentication-\(UniqueID.make())").path
            defer { try? FileManager.default.removeItem(atPath: path) }
            func write(_ text: String) throws { try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic) }
            try write(TestIssuer.file())
            let tokens = IssuedTokens(try AuthenticationConfiguration(TestIssuer.file(), ownIssuers: []), now: { Self.now })
            let token = try key.sign(Self.claims(issuer))
            #expect(await Self.refusal(tokens, token) == "unknown")
            let log = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { await tokens.reload(path, ownIssuers: [], every: .milliseconds(5), log: log) }
                defer { group.cancelAll() }
                // Written again and again, since nobody tells when the file is looked at for the first time.
                func rewrite(_ text: String, until expected: String) async throws {
                    var text = text
                    while await Self.refusal(tokens, token) != expected {
                        text += "\n"
                        try write(text)
                        try await Task.sleep(for: .milliseconds(10))
                    }
                }
                try await rewrite(TestIssuer.file(issuer.entry()), until: "let in as oidc:carol")
                try write("no configuration")
                let other = TestIssuer.file(issuer.entry(["claimMappings": ["username": ["prefix": "new:"]]]))
                try await rewrite(other, until: "let in as new:carol")
            }
            let other = TestIssuer.file(issuer.entry(), anonymous: ["enabled": false])
            await #expect(throws: ConfigurationProblem.self) { try await tokens.use(AuthenticationConfiguration(other, ownIssuers: [])) }
        }
    }

    // MARK: Bad input

    private static let base: Value = [
        "issuer": ["url": "https://issuer", "audiences": ["a"]], "claimMappings": ["username": ["claim": "sub", "prefix": ""]],
    ]

    @Test func whatIsWrongWithAFileIsSaid() throws {
        func told(_ changes: Value) -> String {
            do {
                _ = try AuthenticationConfiguration(TestIssuer.file(Change.apply(changes, to: Self.base)), ownIssuers: ["https://own"])
                return "good"
            } catch {
                return "\(error)"
            }
        }
        #expect(told(.emptyObject) == "good")
        let expectations: [(changes: Value, why: String)] = [
            (["issuer": ["url": Change.gone]], "jwt[0].issuer.url: Required value"),
            (["issuer": ["url": "http://x"]], "URL scheme must be https"), (["issuer": ["url": "https://u@x"]], "username or password"),
            (["issuer": ["url": "https://x?a=b"]], "must not contain a query"), (["issuer": ["url": "https://x#a"]], "a fragment"),
            (["issuer": ["url": "https://own"]], "URL must not overlap with disallowed issuers: [https://own]"),
            (["issuer": ["discoveryURL": "https://issuer/"]], "discoveryURL must be different from URL"),
            (["issuer": ["audiences": []]], "jwt[0].issuer.audiences: Required value"),
            (["issuer": ["audiences": ["a", "a"], "audienceMatchPolicy": "MatchAny"]], "Duplicate value: \"a\""),
            (["issuer": ["audiences": ["a", "b"]]], "audienceMatchPolicy must be MatchAny for multiple audiences"),
            (["issuer": ["audienceMatchPolicy": "All"]], "must be empty or MatchAny"),
            (["issuer": ["certificateAuthority": "x"]], "jwt[0].issuer.certificateAuthority: Invalid value: \"<omitted>\""),
            (["issuer": ["egressSelectorType": "cluster"]], "not supported"), (["issuer": ["name": "x"]], "unknown field"),
            (["claimMappings": Change.gone], "claim or expression is required"),
            (["claimMappings": ["username": ["prefix": Change.gone]]], "jwt[0].claimMappings.username.prefix: Required value"),
            (["claimMappings": ["username": ["expression": "claims.sub"]]], "claim and expression can't both be set"),
            (["claimMappings": ["groups": ["expression": "claims."]]], "jwt[0].claimMappings.groups.expression: Invalid value"),
            (
                ["claimMappings": ["username": ["claim": Change.gone, "prefix": Change.gone, "expression": "claims.email"]]],
                "claims.email_verified must be used"
            ),
            (["claimMappings": ["extra": [["key": "a", "valueExpression": "'x'"]]]], "domain-prefixed path"),
            (["claimMappings": ["extra": [["key": "a.k8s.io/b", "valueExpression": "'x'"]]]], "reserved for Kubernetes"),
            (["claimMappings": ["extra": [["key": "a.b/C", "valueExpression": "'x'"]]]], "must be lowercase"),
            (["claimMappings": ["extra": [["key": "a.b/c"]]]], "valueExpression: Required value"),
            (["claimValidationRules": [.emptyObject]], "jwt[0].claimValidationRules[0]: Required value"),
            (["claimValidationRules": [["expression": "claims.a"]]], "must evaluate to bool"),
            (["claimValidationRules": [["claim": "a"], ["claim": "a"]]], "Duplicate value"),
            (["claimValidationRules": [["claim": "a", "message": "m"]]], "may not be specified when claim is set"),
            (["userValidationRules": [["expression": "claims.a == 'b'"]]], "undeclared reference"),
            (["userValidationRules": [["message": "x"]]], "userValidationRules[0].expression: Required value"),
        ]
        for (changes, why) in expectations {
            let told = told(changes)
            #expect(told.contains(why), "\(told) where \(why) is expected")
        }
        let email: Value = [
            "claimMappings": [
                "username": ["claim": Change.gone, "prefix": Change.gone, "expression": "has(claims.email) ? claims.email : claims.sub"]
            ],
            "claimValidationRules": [["expression": "claims.?email_verified.orValue(true) == true"]],
        ]
        #expect(told(email) == "good")
        for text in ["", "a: b", "kind: AuthenticationConfiguration\napiVersion: v1", "[]", TestIssuer.file(Self.base, Self.base)] {
            #expect(throws: ConfigurationProblem.self) { try AuthenticationConfiguration(text, ownIssuers: []) }
        }
        let paths = TestIssuer.file(anonymous: ["enabled": false, "conditions": [["path": "/livez"]]])
        #expect(throws: ConfigurationProblem.self) { try AuthenticationConfiguration(paths, ownIssuers: []) }
    }

    @Test func flagsSayTheSameInFewerWords() async throws {
        let key = try Self.rsa.get()
        try await TestIssuer.with([key]) { issuer async throws in
            var flags = OpenIDFlags(issuerURL: issuer.url, clientID: "apus")
            flags.authorities = issuer.authorityPEM
            func told(_ flags: OpenIDFlags, _ claims: Value = .emptyObject, _ algorithm: SigningAlgorithm = .rs256) async throws -> String {
                let tokens = IssuedTokens(try flags.configuration(ownIssuers: []), now: { Self.now })
                return await Self.refusal(tokens, try key.sign(Self.claims(issuer, claims), algorithm: algorithm))
            }
            #expect(try await told(flags) == "let in as \(issuer.url)#carol")
            #expect(try await told(flags, .emptyObject, .rs512).contains("unsupported algorithm"))
            flags.algorithms = [.rs512]
            #expect(try await told(flags, .emptyObject, .rs512) == "let in as \(issuer.url)#carol")
            flags.algorithms = [.rs256]
            flags.usernamePrefix = ""
            flags.requiredClaims = [("hd", "x")]
            #expect(try await told(flags, ["hd": "x"]) == "let in as carol")
            #expect(try await told(flags).contains("required claim hd"))
            flags.requiredClaims = []
            flags.usernamePrefix = nil
            flags.usernameClaim = "email"
            #expect(try await told(flags, ["email": "c@d"]) == "let in as c@d")
        }
    }
}
