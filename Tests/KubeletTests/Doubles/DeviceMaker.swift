import APIModel
import FileSystem
import GRPC
import Glibc
import NIOCore
import NIOPosix
import Synchronization

/// A plugin that gives away devices that are nothing, over the real protocol: it serves one socket and registers at the kubelet's.
final class DeviceMaker: Sendable {
    struct State {
        var devices: [Value]
        var calls: [(method: String, request: Value)] = []
        /// What it answers with gRPC's code for what is unknown, by method.
        var failures: [String: String] = [:]
        var options: Value = .emptyObject
        var preferred: [String] = []
        var watchers: [GRPCReply] = []
        var server: GRPCServer?
    }
    let state: Mutex<State>
    let resource: String
    private let directory: String

    /// - Parameter root: the kubelet's directory.
    init(_ ids: [String], resource: String = "example.com/gpu", root: String) {
        (self.resource, directory) = (resource, root + "/device-plugins")
        state = Mutex(State(devices: ids.map { Self.device($0) }))
    }

    static func device(_ id: String, health: String = "Healthy") -> Value { ["ID": .string(id), "health": .string(health)] }

    /// Serves, and registers once the kubelet is there.
    func start(_ name: String = "maker.sock", version: String = "v1beta1") async throws {
        let server = try await GRPCServer.listen(on: "\(directory)/\(name)") { self.serve($0, $1, $2) }
        state.withLock { $0.server = server }
        let kubelet = GRPCConnection(to: .unix(path: directory + "/kubelet.sock"), on: .singleton)
        defer { kubelet.close() }
        let request: Value = [
            "version": .string(version), "endpoint": .string(name), "resource_name": .string(resource),
            "options": state.withLock { $0.options },
        ]
        let bytes = try Protobuf.encode(request, as: Catalogue.devices.type(named: "RegisterRequest")!)
        _ = try await kubelet.call("v1beta1.Registration/Register", bytes, timeout: .seconds(10)).get()
    }

    func stop() async {
        let server = state.withLock { state in
            state.watchers = []
            return state.server.take()
        }
        await server?.stop()
    }

    func requests(_ method: String) -> [Value] { state.withLock { $0.calls.filter { $0.method == method }.map(\.request) } }

    /// It has these devices from now on.
    func change(_ devices: [Value]) {
        let watchers = state.withLock { state in
            state.devices = devices
            return state.watchers
        }
        for watcher in watchers { watcher.send(Self.encode(["devices": .array(devices)], "ListAndWatchResponse")) }
    }

    private static func encode(_ value: Value, _ type: String) -> [UInt8] {
        (try? Protobuf.encode(value, as: Catalogue.devices.type(named: type)!)) ?? []
    }

    private func serve(_ path: String, _ bytes: [UInt8], _ reply: GRPCReply) {
        let method = String(path.split(separator: "/").last ?? "")
        let types = [
            "GetDevicePluginOptions": ("Empty", "DevicePluginOptions"), "ListAndWatch": ("Empty", "ListAndWatchResponse"),
            "GetPreferredAllocation": ("PreferredAllocationRequest", "PreferredAllocationResponse"),
        ]
        let (asked, answered) = types[method] ?? ("\(method)Request", "\(method)Response")
        let request = (try? Protobuf.decode(bytes, as: Catalogue.devices.type(named: asked)!)) ?? .null
        let (failure, devices) = state.withLock { state in
            state.calls.append((method, request))
            return (state.failures[method], state.devices)
        }
        if let failure { return reply.end(GRPCFailure(code: "Unknown", message: failure)) }
        if method == "ListAndWatch" {
            state.withLock { $0.watchers.append(reply) }
            return reply.send(Self.encode(["devices": .array(devices)], answered))
        }
        reply.send(Self.encode(answer(method, request), answered))
        reply.end()
    }

    private func answer(_ method: String, _ request: Value) -> Value {
        switch method {
        case "GetDevicePluginOptions": return state.withLock { $0.options }
        case "GetPreferredAllocation":
            return ["container_responses": [["deviceIDs": Value(state.withLock { $0.preferred })]]]
        case "Allocate":
            let ids = request["container_requests"].elements.first?["devices_ids"].elements.compactMap(\.string) ?? []
            let response: Value = [
                "envs": ["GPUS": .string(ids.joined(separator: ","))],
                "mounts": [["container_path": "/opt/driver", "host_path": "/usr/lib/driver", "read_only": true]],
                "devices": .array(
                    ids.map { ["container_path": .string("/dev/\($0)"), "host_path": .string("/dev/null"), "permissions": "rw"] }),
                "annotations": ["example.com/gpus": .string(String(ids.count))],
                "cdi_devices": .array(ids.map { ["name": .string("example.com/gpu=\($0)")] }),
            ]
            return ["container_responses": [response]]
        default: return .emptyObject
        }
    }
}
