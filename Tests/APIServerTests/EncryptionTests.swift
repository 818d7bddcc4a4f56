import APIModel
import Crypto
import Foundation
import HTTPTypes
import Store
import Testing

@testable import APIServer

/// What of the store is written in plain text, by which key it is read, and what becomes of it when the keys change.
@Suite struct EncryptionTests {
    private static func key(_ name: String, _ byte: UInt8, _ length: Int = 32) -> String {
        "{name: \(name), secret: \(Base64.encode([UInt8](repeating: byte, count: length)))}"
    }

    private static func configuration(_ providers: String, resources: String = "[secrets]") throws -> EncryptionConfiguration {
        try EncryptionConfiguration(
            """
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
            - resources: \(resources)
              providers: [\(providers)]
            """)
    }

    private static let identity = "{identity: {}}"
    private static func gcm(_ keys: String) -> String { "{aesgcm: {keys: [\(keys)]}}" }
    private static func cbc(_ keys: String) -> String { "{aescbc: {keys: [\(keys)]}}" }

    private static let secret: Value = ["metadata": ["name": "s"], "stringData": ["password": "correct horse battery staple"]]
    private static let path = "/api/v1/namespaces/default/secrets"
    private static let password = Base64.encode(Array("correct horse battery staple".utf8))

    /// All that the directory of a store says.
    private static func bytes(in directory: String) throws -> Data {
        try FileManager.default.contentsOfDirectory(atPath: directory).reduce(into: Data()) { all, name in
            all += FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
        }
    }

    /// Runs one server after another over one store, each with its own configuration.
    private func withStore(_ body: (_ run: Run, _ directory: String) async throws -> Void) async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("encrypted-\(UniqueID.make())").path
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try await body(Run(directory: directory), directory)
    }

    struct Run {
        let directory: String
        /// - Parameter providers: `nil` for a server without encryption.
        func callAsFunction(_ configuration: EncryptionConfiguration?, _ body: (TestServer, EncryptionAtRest?) async throws -> Void)
            async throws
        {
            let encryption = configuration.map { EncryptionAtRest($0) }
            let server = try await TestServer(directory: directory, encryption: encryption)
            do {
                try await body(server, encryption)
            } catch {
                await server.store.close()
                throw error
            }
            await server.store.close()
        }
    }

    @Test(arguments: ["gcm", "cbc"]) func aSecretIsNotInTheFiles(_ algorithm: String) async throws {
        let keys = Self.key("k1", 7)
        let configuration = try Self.configuration(algorithm == "gcm" ? Self.gcm(keys) : Self.cbc(keys))
        try await withStore { run, directory in
            try await run(configuration) { server, _ in
                #expect(await server.ask(.post, Self.path, Self.secret).code == 201)
                #expect(await server.ask(.post, "/api/v1/namespaces/default/configmaps", TestServer.configMap("plain-one")).code == 201)
            }
            let files = try Self.bytes(in: directory)
            #expect(files.range(of: Data("k8s:enc:aes\(algorithm):v1:k1:".utf8)) != nil)
            #expect(files.range(of: Data(Self.password.utf8)) == nil)
            #expect(files.range(of: Data("plain-one".utf8)) != nil, "nobody asked for config maps to be encrypted")
            try await run(configuration) { server, _ in
                #expect(await server.ask(.get, "\(Self.path)/s").json["data"]["password"].string == Self.password)
            }
        }
    }

    @Test func withoutItsKeyAStoreDoesNotOpenAndStaysAsItIs() async throws {
        try await withStore { run, _ in
            let right = try Self.configuration(Self.gcm(Self.key("k1", 7)))
            try await run(right) { server, _ in await server.ask(.post, Self.path, Self.secret) }
            for (wrong, message) in [
                (
                    try Self.configuration(Self.gcm(Self.key("k2", 7))),
                    "no provider of the encryption configuration reads what k8s:enc:aesgcm:v1:k1 wrote"
                ),
                (try Self.configuration(Self.gcm(Self.key("k1", 8))), "the key of provider 1 does not decrypt it"),
                (nil, "not as it was written"),
            ] as [(EncryptionConfiguration?, String)] {
                let error = await #expect(throws: StoreError.self) { try await run(wrong) { _, _ in } }
                #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
            }
            try await run(right) { server, _ in #expect(await server.ask(.get, "\(Self.path)/s").code == 200) }
        }
    }

    /// Upstream's way to bring everything under a new key: read all, replace all.
    @Test func aReplaceThatChangesNothingWritesByTheNewKey() async throws {
        try await withStore { run, directory in
            try await run(nil) { server, _ in await server.ask(.post, Self.path, Self.secret) }
            let old = Self.cbc(Self.key("old", 1))
            let both = try Self.configuration("\(Self.cbc(Self.key("new", 2) + ", " + Self.key("old", 1))), \(Self.identity)")
            try await run(try Self.configuration("\(old), \(Self.identity)")) { server, _ in
                let before = await server.ask(.get, "\(Self.path)/s").json
                let after = await server.ask(.put, "\(Self.path)/s", before).json
                #expect(after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"])
                // Once is enough.
                #expect(await server.ask(.put, "\(Self.path)/s", after).json == after)
            }
            try await run(both) { server, _ in
                await server.ask(.put, "\(Self.path)/s", await server.ask(.get, "\(Self.path)/s").json)
            }
            // The old key, and plain text, are of no use any more.
            try await run(try Self.configuration(Self.cbc(Self.key("new", 2)))) { server, _ in
                #expect(await server.ask(.get, "\(Self.path)/s").json["data"]["password"].string == Self.password)
            }
        }
    }

    @Test func keysChangeWhileTheServerRuns() async throws {
        try await withStore { run, _ in
            try await run(try Self.configuration(Self.gcm(Self.key("old", 1)))) { server, encryption in
                let encryption = try #require(encryption)
                await server.ask(.post, Self.path, Self.secret)
                let before = await server.ask(.get, "\(Self.path)/s").json
                let next = try Self.configuration(Self.gcm(Self.key("new", 2) + ", " + Self.key("old", 1)))
                encryption.use(next, collections: Array(server.store.collections().keys))
                encryption.settle(at: server.store.revision)
                let after = await server.ask(.put, "\(Self.path)/s", before).json
                #expect(after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"])
                #expect(await server.ask(.put, "\(Self.path)/s", after).json == after)
            }
            try await run(try Self.configuration(Self.gcm(Self.key("new", 2)))) { server, _ in
                #expect(await server.ask(.get, "\(Self.path)/s").code == 200)
            }
        }
    }

    @Test func aFileIsReadAgainWhenItChanges() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("watched-\(UniqueID.make())").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try "one".write(toFile: path, atomically: true, encoding: .utf8)
        let file = WatchedFile(path)
        #expect(try await file.change() == nil)
        try "two".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(try await file.change() == "two")
        #expect(try await file.change() == nil)
    }

    /// What was written elsewhere cannot be put in a record's place.
    @Test func aRecordBelongsToItsPlace() throws {
        let encryption = EncryptionAtRest(try Self.configuration(Self.gcm(Self.key("k", 1))))
        let stored = try encryption.toStorage(Array("{}".utf8), of: RecordKey(collection: "/secrets", name: "default/a"))
        #expect(try encryption.fromStorage(stored, of: RecordKey(collection: "/secrets", name: "default/a")) == Array("{}".utf8))
        #expect(throws: ConfigurationProblem.self) {
            try encryption.fromStorage(stored, of: RecordKey(collection: "/secrets", name: "default/b"))
        }
    }

    @Test(
        arguments: [
            ("[secrets]", "/secrets", true), ("[secrets]", "/configmaps", false), ("[deployments.apps]", "apps/deployments", true),
            ("['*.apps']", "apps/deployments", true), ("['*.apps']", "/secrets", false), ("['*.']", "/secrets", true),
            ("['*.']", "apps/deployments", false), ("['*.*']", "apps/deployments", true), ("['*.*']", "/secrets", true),
        ]) func resourcesAreNamed(_ resources: String, _ collection: String, _ isContained: Bool) throws
    {
        let configuration = try Self.configuration(Self.identity, resources: resources)
        #expect((configuration.entry(for: collection) != nil) == isContained)
    }

    @Test(
        arguments: [
            ("[]", "identity: {}", "resources[0].resources: at least one resource is required"),
            ("[secrets]", "", "resources[0].providers: at least one provider is required"),
            ("[secrets]", "secretbox: {keys: []}", "resources[0].providers[0].secretbox: is not supported"),
            ("[secrets]", "kms: {name: a}", "resources[0].providers[0].kms.apiVersion: unsupported apiVersion v1 for KMS provider"),
            ("[secrets]", "kms: {apiVersion: v2, endpoint: 'unix:///s'}", "resources[0].providers[0].kms.name: required"),
            (
                "[secrets]", "kms: {apiVersion: v2, name: 'a:b', endpoint: 'unix:///s'}",
                "resources[0].providers[0].kms.name: invalid KMS provider name a:b, must not contain ':'"
            ),
            (
                "[secrets]", "kms: {apiVersion: v2, name: a, endpoint: 'tcp://s'}",
                "resources[0].providers[0].kms.endpoint: \"tcp://s\": only a socket"
            ),
            (
                "[secrets]", "kms: {apiVersion: v2, name: a, endpoint: 'unix:///s', timeout: 0s}",
                "resources[0].providers[0].kms.timeout: timeout should be a positive value"
            ),
            (
                "[secrets]", "kms: {apiVersion: v2, name: a, endpoint: 'unix:///s', cachesize: 5}",
                "resources[0].providers[0].kms.cachesize: cachesize is not supported in v2"
            ),
            (
                "[secrets]",
                "kms: {apiVersion: v2, name: a, endpoint: 'unix:///s'}}, {kms: {apiVersion: v2, name: a, endpoint: 'unix:///t'}",
                "duplicate KMS provider name a, names must be unique"
            ),
            ("[secrets]", "aesgcm: {keys: []}", "resources[0].providers[0].aesgcm.keys: at least one key is required"),
            (
                "[secrets]", "aesgcm: {keys: [{name: a, secret: YQ==}]}",
                "resources[0].providers[0].aesgcm.keys[0].secret: secret is not of the expected length, got 1"
            ),
            (
                "[secrets]", "aescbc: {keys: [{name: a, secret: '?'}]}",
                "resources[0].providers[0].aescbc.keys[0].secret: secrets must be base64"
            ),
            (
                "[secrets]", "aescbc: {keys: [{name: 'a:b', secret: YQ==}]}",
                "resources[0].providers[0].aescbc.keys[0].name: must not contain ':'"
            ),
            ("[Secrets]", "identity: {}", "resources[0].resources[0]: \"Secrets\": resource name should not contain capital letters"),
            ("['*.events.k8s.io']", "identity: {}", "resources[0].resources[0]: \"*.events.k8s.io\": '*.events.k8s.io' objects are stored"),
            ("[apiserveripinfo]", "identity: {}", "resources[0].resources[0]: \"apiserveripinfo\": resources which do not have REST"),
            ("['*']", "identity: {}", "resources[0].resources[0]: \"*\": use '*.' to encrypt all the resources"),
            ("[secrets, '*.']", "identity: {}", "resources[0].resources[0]: \"secrets\": using overlapping resources"),
            ("[secrets, secrets]", "identity: {}", "resources[0].resources[0]: \"secrets\": the same resource cannot be specified"),
        ]) func aConfigurationThatIsWrongIsRefused(_ resources: String, _ providers: String, _ message: String)
    {
        let providers = providers.isEmpty ? "" : "{\(providers)}"
        let problem = #expect(throws: ConfigurationProblem.self) { try Self.configuration(providers, resources: resources) }
        #expect(problem?.description.hasPrefix(message) == true, "\(problem?.description ?? "")")
    }
}
