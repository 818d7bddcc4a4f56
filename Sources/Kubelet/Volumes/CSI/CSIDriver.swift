import APIModel

/// A storage driver of this node that has made itself known. Safe from any task.
final class CSIDriver: Sendable {
    let name: String
    let version: PluginVersion
    private let socket: PluginSocket
    private let limit: Duration

    /// - Parameter limit: how long a call may take.
    init(name: String, version: PluginVersion, endpoint: String, limit: Duration) {
        self.name = name
        self.version = version
        self.limit = limit
        socket = PluginSocket(endpoint, .csi)
    }

    /// A call of its Node service: `NodeGetInfo`. Throws as `PluginSocket.call` does.
    func call(_ method: String, _ request: Value) async throws -> Value {
        try await socket.call("csi.v1.Node/\(method)", request, ("\(method)Request", "\(method)Response"), within: limit)
    }

    /// What its Node service can do beside the least.
    struct Capabilities: Sendable {
        private let types: Set<Whole>
        init(_ types: Set<Whole>) { self.types = types }

        var stages: Bool { types.contains(1) }
        var tellsUse: Bool { types.contains(2) }
        var expands: Bool { types.contains(3) }
        var tellsWritersApart: Bool { types.contains(5) }
        var givesToGroups: Bool { types.contains(6) }
    }

    func capabilities() async throws -> Capabilities {
        let answer = try await call("NodeGetCapabilities", .emptyObject)
        return Capabilities(Set(answer["capabilities"].elements.compactMap { $0[path: "rpc", "type"].int }))
    }
}
