package import APIModel
import FileSystem
import GRPC
import Glibc
package import Synchronization

/// A driver of claims whose devices are nothing, over the real protocol: it serves one socket and registers by it.
package final class ClaimDriver: Sendable {
    package struct State {
        package var calls: [(method: String, request: Value)] = []
        /// What it answers for each claim instead of devices, by method.
        package var failures: [String: String] = [:]
        /// It leaves claims out of its answers to these.
        package var silent: Set<String> = []
        package var services = ["v1.DRAPlugin"]
        /// What it prepares for a claim, as `Device`s of its protocol.
        package var devices: @Sendable (_ claim: Value) -> [Value] = { claim in
            ["one", "two"].map { request in
                [
                    "request_names": [.string(request)], "pool_name": "node", "device_name": .string(request),
                    "cdi_device_ids": [.string("example/gpu=\(claim["name"].string ?? "")-\(request)")],
                ]
            }
        }
        /// What it was told of its registration.
        package var told: [Value] = []
        var server: GRPCServer?
    }
    package let state = Mutex(State())
    package let name: String
    private let root: String

    /// - Parameter root: the kubelet's directory.
    package init(_ name: String = "gpu.example", root: String) { (self.name, self.root) = (name, root) }

    package var socket: String { "\(root)/plugins_registry/\(name).sock" }

    package func start() async throws {
        _ = try Directory.make(root).make("plugins_registry")
        let server = try await GRPCServer.listen(on: socket) { self.serve($0, $1, $2) }
        state.withLock { $0.server = server }
    }

    /// Ends as a process does that takes its socket's file with it.
    package func stop() async {
        let server = state.withLock { $0.server.take() }
        await server?.stop()
        unlink(socket)
    }

    /// The names of the claims it was asked for, a list a call.
    package func asked(_ method: String) -> [[String]] {
        state.withLock { $0.calls.filter { $0.method == method } }.map { $0.request["claims"].elements.map { $0["name"].string ?? "" } }
    }

    private func serve(_ path: String, _ bytes: [UInt8], _ reply: GRPCReply) {
        let parts = path.split(separator: "/").map(String.init)
        let method = parts.last ?? ""
        let types = [
            "GetInfo": ("InfoRequest", "PluginInfo"), "NotifyRegistrationStatus": ("RegistrationStatus", "RegistrationStatusResponse"),
        ]
        let (asked, answered) = types[method] ?? ("\(method)Request", "\(method)Response")
        let messages = types[method] == nil ? Catalogue.devices : Catalogue.csi
        guard let request = try? Protobuf.decode(bytes, as: messages.type(named: asked)!) else {
            return reply.end(GRPCFailure(code: "InvalidArgument", message: "no \(asked)"))
        }
        let answer = state.withLock { state in
            if types[method] == nil {
                let service = "k8s.io.kubelet.pkg.apis.dra.\(state.services.first ?? "")"
                guard parts.first == service else { return Value.null }
                state.calls.append((method, request))
            }
            return self.answer(method, request, &state)
        }
        if answer.isNull { return reply.end(GRPCFailure(code: "Unimplemented", message: "unknown service \(parts.first ?? "")")) }
        reply.send((try? Protobuf.encode(answer, as: messages.type(named: answered)!)) ?? [])
        reply.end()
    }

    private func answer(_ method: String, _ request: Value, _ state: inout State) -> Value {
        switch method {
        case "GetInfo":
            return ["type": "DRAPlugin", "name": .string(name), "supported_versions": Value(state.services)]
        case "NotifyRegistrationStatus":
            state.told.append(request)
            return .emptyObject
        default: break
        }
        var claims = Value.emptyObject
        for claim in request["claims"].elements where !state.silent.contains(method) {
            let uid = claim["uid"].string ?? ""
            claims[uid] =
                if let failure = state.failures[method] { ["error": .string(failure)] } else if method == "NodePrepareResources" {
                    ["devices": .array(state.devices(claim))]
                } else { .emptyObject }
        }
        return ["claims": claims]
    }
}
