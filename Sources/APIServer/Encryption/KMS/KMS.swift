import APIModel
import GRPC
import NIOCore
import NIOPosix
import OrderedCollections

/// A plugin's socket, and the calls of the key management service v2. Safe from any thread.
final class KMS: Sendable {
    private let connection: GRPCConnection
    private let timeout: Duration
    /// As the configuration calls it.
    private let provider: String

    init(provider: String, socket: String, timeout: Duration) {
        self.provider = provider
        connection = GRPCConnection(to: .unix(path: socket), on: .singleton)
        self.timeout = timeout
    }

    deinit { connection.close() }

    struct Status: Sendable {
        var version: String
        /// `ok`, or what is wrong.
        var health: String
        /// Of the key that seals now.
        var keyID: String
    }

    func status() async throws -> Status {
        let answer = try await call("Status", try Self.encode(.emptyObject, "StatusRequest"))
        let value = try Protobuf.decode(answer, as: Self.type("StatusResponse"))
        return Status(version: value["version"].string ?? "", health: value["healthz"].string ?? "", keyID: value["key_id"].string ?? "")
    }

    /// Seals a seed.
    /// - Throws: what the plugin answers instead, and `ConfigurationProblem` for what it may not answer.
    func encrypt(_ seed: [UInt8]) async throws -> EncryptedObject.Source {
        let request = try Self.encode(["plaintext": Self.value(seed), "uid": .string(UniqueID.make())], "EncryptRequest")
        let answer = try await call("Encrypt", request)
        let value = try Protobuf.decode(answer, as: Self.type("EncryptResponse"))
        let source = EncryptedObject.Source(
            keyID: value["key_id"].string ?? "", sealed: Self.bytes(value["ciphertext"]), annotations: Self.annotations(value), type: .seed)
        try source.check()
        return source
    }

    /// Opens what a key is made of. Blocks the calling thread, which is none that others wait for.
    func decrypt(_ source: EncryptedObject.Source) throws -> [UInt8] {
        let request = try Self.encode(
            [
                "ciphertext": Self.value(source.sealed), "uid": .string(UniqueID.make()), "key_id": .string(source.keyID),
                "annotations": Self.value(source.annotations),
            ], "DecryptRequest")
        let begin = ContinuousClock.now
        let answer: [UInt8]
        do {
            answer = try connection.call(Self.method("Decrypt"), request, timeout: timeout).wait()
            note("Decrypt", since: begin, nil)
        } catch {
            note("Decrypt", since: begin, error)
            throw error
        }
        return Self.bytes(try Protobuf.decode(answer, as: Self.type("DecryptResponse"))["plaintext"])
    }

    // MARK: Calls

    private func call(_ name: String, _ request: [UInt8]) async throws -> [UInt8] {
        let begin = ContinuousClock.now
        do {
            let answer = try await connection.call(Self.method(name), request, timeout: timeout).get()
            note(name, since: begin, nil)
            return answer
        } catch {
            note(name, since: begin, error)
            throw error
        }
    }

    private func note(_ name: String, since begin: ContinuousClock.Instant, _ problem: (any Error)?) {
        EncryptionMetrics.shared.asked(provider, "/\(Self.method(name))", since: begin, problem)
    }

    // MARK: Messages

    private static func method(_ name: String) -> String { "v2.KeyManagementService/\(name)" }

    private static func encode(_ value: Value, _ name: String) throws -> [UInt8] { try Protobuf.encode(value, as: type(name)) }

    static func type(_ name: String) throws -> TypeSchema {
        guard let type = Catalogue.kms.type(named: name) else { throw ConfigurationProblem("\(name) is no message of the service") }
        return type
    }

    static func bytes(_ value: Value) -> [UInt8] { value.string.flatMap { Base64.decode($0) } ?? [] }
    static func value(_ bytes: [UInt8]) -> Value { .string(Base64.encode(bytes)) }

    static func annotations(_ message: Value) -> [String: [UInt8]] {
        Dictionary(message["annotations"].fields.map { ($0.key, bytes($0.value)) }, uniquingKeysWith: { $1 })
    }

    static func value(_ annotations: [String: [UInt8]]) -> Value {
        .object(Value.Fields(uniqueKeysWithValues: annotations.sorted { $0.key < $1.key }.map { ($0.key, value($0.value)) }))
    }
}
