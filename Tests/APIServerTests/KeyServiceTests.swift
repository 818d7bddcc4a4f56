import APIModel
import Foundation
import HTTPTypes
import Store
import Synchronization
import Testing

@testable import APIServer

/// Records whose keys a plugin keeps.
@Suite struct KeyServiceTests {
    private static let secret: Value = ["metadata": ["name": "s"], "stringData": ["password": "correct horse battery staple"]]
    private static let path = "/api/v1/namespaces/default/secrets"

    private static func configuration(_ plugin: KeyPlugin, name: String = "vault", then: String = "") throws -> EncryptionConfiguration {
        try EncryptionConfiguration(
            """
            apiVersion: apiserver.config.k8s.io/v1
            kind: EncryptionConfiguration
            resources:
            - resources: [secrets]
              providers: [{kms: {apiVersion: v2, name: \(name), endpoint: 'unix://\(plugin.path)'}}\(then)]
            """)
    }

    private func with(_ body: (KeyPlugin) async throws -> Void) async throws {
        let plugin = try await KeyPlugin()
        do {
            try await body(plugin)
        } catch {
            await plugin.stop()
            throw error
        }
        await plugin.stop()
    }

    private func service(_ plugin: KeyPlugin, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) -> KeyService {
        KeyService(name: "vault", socket: plugin.path, timeout: .seconds(5), now: now)
    }

    @Test func aServerKeepsSecretsByThePluginsKey() async throws {
        try await with { plugin in
            let directory = FileManager.default.temporaryDirectory.appendingPathComponent("kms-\(UniqueID.make())").path
            defer { try? FileManager.default.removeItem(atPath: directory) }
            let first = EncryptionAtRest(try Self.configuration(plugin))
            #expect(await first.prepare() == [])
            var server = try await TestServer(directory: directory, encryption: first)
            #expect(await server.ask(.post, Self.path, Self.secret).code == 201)
            for index in 0..<5 {
                await server.ask(.post, Self.path, ["metadata": ["name": .string("more-\(index)")]])
            }
            #expect(plugin.calls("Encrypt") == 1, "one seed for all records")
            #expect(await server.ask(.get, "/readyz/kms-providers").text == "ok")
            #expect(await server.ask(.get, "/livez/kms-providers").code == 404, "starting again would not help")
            let metrics = await server.ask(.get, "/metrics").text
            let key = "provider_name=\"vault\",key_id_hash=\"sha256:"
            for line in [
                "apiserver_storage_transformation_operations_total{resource=\"secrets\",transformation_type=\"to_storage\","
                    + "transformer_prefix=\"k8s:enc:kms:v2:vault:\",status=\"OK\"}",
                "apiserver_envelope_encryption_kms_operations_latency_seconds_count{provider_name=\"vault\","
                    + "method_name=\"/v2.KeyManagementService/Encrypt\",grpc_status_code=\"OK\"}",
                "apiserver_envelope_encryption_key_id_hash_total{transformation_type=\"to_storage\",\(key)",
                "apiserver_envelope_encryption_key_id_hash_last_timestamp_seconds{transformation_type=\"to_storage\",\(key)",
                "apiserver_envelope_encryption_key_id_hash_status_last_timestamp_seconds{\(key)",
                "apiserver_envelope_encryption_dek_source_cache_size{provider_name=\"vault\"}",
                "apiserver_storage_transformation_duration_seconds_count{transformation_type=\"to_storage\"",
            ] { #expect(metrics.contains("\n\(line)"), "\(line)") }
            let before = await server.ask(.get, "\(Self.path)/s").json
            #expect(await server.ask(.put, "\(Self.path)/s", before).json == before, "it is kept as it should be")

            plugin.change { $0.keyID = "key-2" }
            #expect(await first.refresh(all: true, collections: Array(server.store.collections().keys)) == [])
            first.settle(at: server.store.revision)
            let after = await server.ask(.put, "\(Self.path)/s", before).json
            #expect(after["metadata"]["resourceVersion"] != before["metadata"]["resourceVersion"], "the key is another")
            #expect(await server.ask(.put, "\(Self.path)/s", after).json == after)
            #expect(plugin.calls("Encrypt") == 2 && plugin.calls("Decrypt") == 0)

            plugin.change { $0.health = "on fire" }
            #expect(await first.refresh(all: true, collections: []).count == 1)
            let ill = await server.ask(.get, "/healthz/kms-providers")
            #expect(ill.code == 500 && ill.text.contains("kms-provider-0: kmsv2 Provider vault is not healthy"))
            #expect(ill.text.contains("got unexpected healthz status: on fire"))
            plugin.change { $0.health = "ok" }
            #expect(await first.refresh(all: false, collections: []) == [])
            await server.store.close()

            let files = try FileManager.default.contentsOfDirectory(atPath: directory).reduce(into: Data()) { all, name in
                all += FileManager.default.contents(atPath: "\(directory)/\(name)") ?? Data()
            }
            #expect(files.range(of: Data("k8s:enc:kms:v2:vault:".utf8)) != nil)
            #expect(files.range(of: Data(Base64.encode(Array("correct horse battery staple".utf8)).utf8)) == nil)

            // Another process asks for each of the two seeds, once.
            let second = EncryptionAtRest(try Self.configuration(plugin))
            #expect(await second.prepare() == [])
            server = try await TestServer(directory: directory, encryption: second)
            #expect(await server.ask(.get, "\(Self.path)/s").json == after)
            #expect(plugin.calls("Decrypt") == 2)
            // What is by the former key is told from what is not.
            let old = await server.ask(.get, "\(Self.path)/more-0").json
            #expect(await server.ask(.put, "\(Self.path)/more-0", old).json != old)
            #expect(await server.ask(.put, "\(Self.path)/s", after).json == after)
            await server.store.close()
        }
    }

    @Test func withoutThePluginAStoreDoesNotOpen() async throws {
        try await with { plugin in
            let key = RecordKey(collection: "/secrets", name: "default/s")
            let writing = EncryptionAtRest(try Self.configuration(plugin))
            #expect(await writing.prepare() == [])
            let stored = try writing.toStorage(Array("{}".utf8), of: key)
            await plugin.stop()
            let reading = EncryptionAtRest(try Self.configuration(plugin))
            #expect(await reading.prepare().first?.contains("kmsv2 Provider vault is not healthy") == true)
            let unread = #expect(throws: ConfigurationProblem.self) { try reading.fromStorage(stored, of: key) }
            #expect(unread?.description.contains("failed to decrypt DEK") == true)
            let unwritten = #expect(throws: ConfigurationProblem.self) { try reading.toStorage(Array("{}".utf8), of: key) }
            #expect(unwritten?.description.contains("the KMS provider vault has given no key") == true)
            // Another name is another plugin.
            let other = EncryptionAtRest(try Self.configuration(plugin, name: "other"))
            #expect(throws: ConfigurationProblem.self) { try other.fromStorage(stored, of: key) }
        }
    }

    @Test func aPluginThatIsUnwellForLongSealsNoMore() async throws {
        try await with { plugin in
            let passed = Mutex(Duration.zero)
            let begin = ContinuousClock.now
            let service = service(plugin) { begin + passed.withLock { $0 } }
            #expect(await service.check() == nil)
            passed.withLock { $0 = .seconds(170) }
            let stored = try service.seal([1, 2, 3], at: "a")
            plugin.change { $0.health = "ill" }
            #expect(await service.check() != nil)
            passed.withLock { $0 = .seconds(190) }
            let problem = #expect(throws: ConfigurationProblem.self) { try service.seal([1, 2, 3], at: "a") }
            #expect(problem?.description.contains("the key of the KMS provider vault expired") == true)
            // What is there is still read.
            #expect(try service.open(stored[...], at: "a").bytes == [1, 2, 3])
            plugin.change { $0.health = "ok" }
            #expect(await service.check() == nil)
            #expect(try service.open(service.seal([4], at: "a")[...], at: "a").bytes == [4])
        }
    }

    static let wrong: [(change: @Sendable (inout KeyPlugin.State) -> Void, problem: String)] = [
        ({ $0.version = "v3" }, "expected KMSv2 API version v2, got v3"),
        ({ $0.keyID = "" }, "keyID is empty"),
        ({ $0.keyID = String(repeating: "k", count: 1025) }, "keyID is 1025 bytes, which exceeds the max size of 1024"),
        ({ $0.answeredKeyID = "another" }, "its status and its answers are by different keys"),
        ({ $0.health = "" }, "got unexpected healthz status: "),
    ]

    @Test(arguments: wrong.indices)
    func aPluginThatAnswersWhatItMayNotIsNotBelieved(_ index: Int) async throws {
        try await with { plugin in
            let service = service(plugin)
            plugin.change(Self.wrong[index].change)
            #expect(await service.check()?.contains(Self.wrong[index].problem) == true)
            #expect(throws: ConfigurationProblem.self) { try service.seal([1], at: "a") }
        }
    }

    @Test func aPluginKeepsItsVersion() async throws {
        try await with { plugin in
            let service = service(plugin)
            #expect(await service.check() == nil)
            plugin.change { $0.version = "v2beta1" }
            #expect(await service.check()?.contains("KMSv2 API version should not change") == true)
        }
    }

    /// A record belongs to its place, and what was changed is not read.
    @Test func whatIsStoredIsSealed() async throws {
        try await with { plugin in
            let service = service(plugin)
            #expect(await service.check() == nil)
            let stored = try service.seal([1, 2, 3], at: "a")
            #expect(try service.seal([1, 2, 3], at: "a") != stored, "each record has a key of its own")
            #expect(throws: (any Error).self) { try service.open(stored[...], at: "b") }
            for index in stored.indices {
                var changed = stored
                changed[index] ^= 1
                if let opened = try? service.open(changed[...], at: "a") { #expect(opened.bytes == [1, 2, 3], "byte \(index)") }
            }
            for count in stored.indices { #expect(throws: (any Error).self) { try service.open(stored.prefix(count), at: "a") } }
        }
    }

    /// RFC 5869 has no vector for the second half alone, so this one is of upstream's library: the seed and the bytes before the record make
    /// the key.
    @Test func aSealedRecordHasUpstreamsForm() throws {
        let seed = [UInt8](repeating: 7, count: 32)
        let sealed = try DerivedKey.seal(Array("{}".utf8), seed: seed, at: "a")
        #expect(sealed.count == 32 + 12 + 2 + 16)
        #expect(try DerivedKey.open(sealed, seed: seed, at: "a") == Array("{}".utf8))
    }
}
