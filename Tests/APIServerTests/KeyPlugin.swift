import APIModel
import Foundation
import GRPC
import Synchronization

@testable import APIServer

/// A plugin that keeps keys, over a real socket: what it seals, it turns around and marks with its key.
final class KeyPlugin: Sendable {
    struct State {
        var keyID = "key-1"
        /// What `Encrypt` says instead, when that is something else.
        var answeredKeyID: String?
        var health = "ok"
        var version = "v2"
        var calls: [String: Int] = [:]
    }

    let path: String
    private let state: Mutex<State>
    private let server: GRPCServer

    init() async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("kms-\(UniqueID.make().prefix(8)).sock").path
        let shared = SharedState()
        self.path = path
        state = Mutex(State())
        server = try await GRPCServer.listen(on: path) { method, request, reply in shared.plugin?.serve(method, request, reply) }
        shared.plugin = self
    }

    /// What the server reaches the plugin by, which is made after it.
    private final class SharedState: Sendable {
        private let reference = Mutex<KeyPlugin?>(nil)
        var plugin: KeyPlugin? {
            get { reference.withLock { $0 } }
            set { reference.withLock { $0 = newValue } }
        }
    }

    func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }
    func calls(_ method: String) -> Int { state.withLock { $0.calls[method] ?? 0 } }

    func stop() async {
        await server.stop()
        try? FileManager.default.removeItem(atPath: path)
    }

    private func serve(_ method: String, _ request: [UInt8], _ reply: GRPCReply) {
        let name = String(method.split(separator: "/").last ?? "")
        do {
            let asked = try Protobuf.decode(request, as: KMS.type("\(name)Request"))
            guard let answer = answer(name, asked) else {
                return reply.end(GRPCFailure(code: "InvalidArgument", message: "it is none of mine"))
            }
            reply.send(try Protobuf.encode(answer, as: KMS.type("\(name)Response")))
            reply.end()
        } catch {
            reply.end(GRPCFailure(code: "Internal", message: "\(error)"))
        }
    }

    private func answer(_ method: String, _ asked: Value) -> Value? {
        state.withLock { state in
            state.calls[method, default: 0] += 1
            switch method {
            case "Status": return ["version": .string(state.version), "healthz": .string(state.health), "key_id": .string(state.keyID)]
            case "Encrypt":
                let keyID = state.answeredKeyID ?? state.keyID
                let sealed = Array(keyID.utf8) + [0] + KMS.bytes(asked["plaintext"]).reversed()
                return ["ciphertext": KMS.value(sealed), "key_id": .string(keyID), "annotations": ["a.kms.example.com": "YQ=="]]
            default:
                let (sealed, mark) = (KMS.bytes(asked["ciphertext"]), Array((asked["key_id"].string ?? "").utf8) + [0])
                guard sealed.starts(with: mark), asked["annotations"] == ["a.kms.example.com": "YQ=="] else { return nil }
                return ["plaintext": KMS.value(Array(sealed.dropFirst(mark.count).reversed()))]
            }
        }
    }
}
