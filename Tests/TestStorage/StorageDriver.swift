package import APIModel
import FileSystem
import Glibc
package import Synchronization

/// A storage driver whose volumes are file systems in memory, or a device of the machine, over the real protocol: one socket on which it
/// registers, one on which it serves. Calls fail, and do not end, on demand.
package final class StorageDriver: Sendable {
    package struct State {
        /// Calls of its Node service.
        package var calls: [(method: String, request: Value)] = []
        /// gRPC's code and message.
        package var failures: [String: (code: Int, message: String)] = [:]
        package var hanging: Set<String> = []
        /// What it says it can, by CSI's numbers; to stage is 1.
        package var capabilities: [Int64] = [1]
        package var info: Value = ["node_id": "node-1"]
        package var plugin: Value
        /// What it was told of its registration.
        package var told: [Value] = []
        package var mounted: Set<String> = []
        /// What its volumes without a file system are: a path.
        package var device = ""
        var servers: [UnaryServer] = []
    }
    package let state: Mutex<State>
    package let name: String
    private let root: String

    /// - Parameter root: the kubelet's directory.
    package init(_ name: String = "disk.example", root: String) {
        (self.name, self.root) = (name, root)
        state = Mutex(
            State(
                plugin: [
                    "type": "CSIPlugin", "name": .string(name), "endpoint": .string("\(root)/plugins/\(name)/csi.sock"),
                    "supported_versions": ["1.0.0"],
                ]))
    }

    /// - Parameters:
    ///   - node: what it calls the node.
    ///   - device: what its volumes without a file system are: a path.
    package func set(node: String, capabilities: [Int64], device: String) {
        state.withLock { state in
            state.info = ["node_id": .string(node)]
            (state.capabilities, state.device) = (capabilities, device)
        }
    }

    package func start() async throws {
        let directory = try Directory.make(root)
        _ = try directory.make("plugins/\(name)")
        _ = try directory.make("plugins_registry")
        let node = try await UnaryServer("\(root)/plugins/\(name)/csi.sock", serve)
        let registration = try await UnaryServer("\(root)/plugins_registry/\(name)-reg.sock", serve)
        state.withLock { $0.servers = [node, registration] }
    }

    package func stop() async {
        for server in state.withLock({ state in
            defer { state.servers = [] }
            return state.servers
        }) { await server.stop() }
    }

    // MARK: What happened

    package func count(_ method: String) -> Int { state.withLock { $0.calls.count { $0.method == method } } }
    package func request(_ method: String) -> Value { state.withLock { $0.calls.last { $0.method == method }?.request ?? .null } }
    package var mounted: Set<String> { state.withLock { $0.mounted } }
    /// The calls that change something, in order.
    package var changes: [String] { state.withLock { $0.calls.map(\.method).filter { !$0.hasPrefix("NodeGet") } } }

    package func fail(_ method: String, code: Int = 13, _ message: String?) {
        state.withLock { $0.failures[method] = message.map { (code, $0) } }
    }
    package func hang(_ method: String) { state.withLock { _ = $0.hanging.insert(method) } }
    package func spare(_ method: String) { state.withLock { _ = $0.hanging.remove(method) } }

    // MARK: What it does

    @Sendable private func serve(_ path: String, _ bytes: [UInt8]) -> UnaryServer.Answer {
        let method = String(path.split(separator: "/").last ?? "")
        let types = [
            "GetInfo": ("InfoRequest", "PluginInfo"), "NotifyRegistrationStatus": ("RegistrationStatus", "RegistrationStatusResponse"),
        ]
        let (asked, answered) = types[method] ?? ("\(method)Request", "\(method)Response")
        guard let request = try? Protobuf.decode(bytes, as: Catalogue.csi.type(named: asked)!) else {
            return .failure(code: 3, message: "no \(asked)")
        }
        do throws(Refusal) {
            let answer = try self.answer(method, request)
            return .message((try? Protobuf.encode(answer, as: Catalogue.csi.type(named: answered)!)) ?? [])
        } catch {
            return error.answer
        }
    }

    private struct Refusal: Error { var answer: UnaryServer.Answer }

    private func answer(_ method: String, _ request: Value) throws(Refusal) -> Value {
        let refusal = state.withLock { state -> UnaryServer.Answer? in
            if types.contains(method) { state.calls.append((method, request)) }
            if state.hanging.contains(method) { return .never }
            return state.failures[method].map { .failure(code: $0.code, message: $0.message) }
        }
        if let refusal { throw Refusal(answer: refusal) }
        switch method {
        case "GetInfo": return state.withLock { $0.plugin }
        case "NotifyRegistrationStatus": state.withLock { $0.told.append(request) }
        case "NodeGetInfo": return state.withLock { $0.info }
        case "NodeGetCapabilities":
            return state.withLock { ["capabilities": .array($0.capabilities.map { ["rpc": ["type": .int(Whole($0))]] })] }
        case "NodeStageVolume": try mount(request["staging_target_path"], from: .null)
        case "NodePublishVolume" where !request["volume_capability"]["block"].isNull: try expose(at: request["target_path"])
        case "NodePublishVolume": try mount(request["target_path"], from: request["staging_target_path"])
        case "NodeExpandVolume": return ["capacity_bytes": request[path: "capacity_range", "required_bytes"]]
        case "NodeGetVolumeStats":
            let usage: Value = [
                ["available": 60, "total": 100, "used": 40, "unit": 1], ["available": 6, "total": 10, "used": 4, "unit": 2],
            ]
            return ["usage": usage, "volume_condition": ["abnormal": true, "message": "tired"]]
        case "NodeUnpublishVolume": try unmount(request["target_path"])
        case "NodeUnstageVolume": try unmount(request["staging_target_path"])
        default: throw Refusal(answer: .failure(code: 12, message: "unknown method \(method)"))
        }
        return .emptyObject
    }

    private let types: Set<String> = [
        "NodeGetInfo", "NodeGetCapabilities", "NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume", "NodeUnstageVolume",
        "NodeExpandVolume", "NodeGetVolumeStats",
    ]

    /// Again does no harm, as the protocol wants it.
    private func mount(_ target: Value, from source: Value) throws(Refusal) {
        let path = target.string ?? ""
        do {
            let parent = try Directory.open(Files.parent(of: path))
            let name = String(path.split(separator: "/").last ?? "")
            if parent.isMountPoint(name) { return }
            if let source = source.string, !source.isEmpty {
                _ = try parent.make(name)
                let volume = try Directory.open(source)
                try withExtendedLifetime(volume) { try parent.bind(volume.descriptor, on: name) }
            } else {
                _ = try parent.memory(name, size: 1 << 20, mode: 0o755)
            }
            state.withLock { _ = $0.mounted.insert(path) }
        } catch {
            throw Refusal(answer: .failure(code: 13, message: "\(error)"))
        }
    }

    /// The device itself, without a file system.
    private func expose(at target: Value) throws(Refusal) {
        let (path, device) = (target.string ?? "", state.withLock { $0.device })
        do {
            let parent = try Directory.open(Files.parent(of: path))
            let name = String(path.split(separator: "/").last ?? "")
            if parent.isMountPoint(name) { return }
            try parent.create(name, [], mode: 0o600)
            let source = try Directory.open(Files.parent(of: device)).beneath(
                String(device.split(separator: "/").last ?? ""), Directory.handle)
            defer { close(source) }
            try parent.bind(source, on: name)
            state.withLock { _ = $0.mounted.insert(path) }
        } catch {
            throw Refusal(answer: .failure(code: 13, message: "\(error)"))
        }
    }

    private func unmount(_ target: Value) throws(Refusal) {
        let path = target.string ?? ""
        umount2(path, Int32(MNT_DETACH))
        guard rmdir(path) == 0 || errno == ENOENT || errno == ENOTDIR && unlink(path) == 0 else {
            throw Refusal(answer: .failure(code: 13, message: "\(path) is busy"))
        }
        state.withLock { _ = $0.mounted.remove(path) }
    }
}
