import APIModel
import Synchronization

/// A driver of claims that has made itself known. Safe from any task.
final class DRADriver: Sendable {
    let name: String
    let endpoint: String
    /// `v1.DRAPlugin`
    private let service: String
    private let socket: PluginSocket
    private let connected = Mutex(false)

    /// What the kubelet can talk.
    static let services = ["v1.DRAPlugin", "v1beta1.DRAPlugin"]
    /// How long a call may take. Upstream's.
    private static let limit = Duration.seconds(45)

    init(name: String, endpoint: String, service: String) {
        (self.name, self.endpoint, self.service) = (name, endpoint, service)
        socket = PluginSocket(endpoint, .devices)
    }

    /// Whether somebody was at the other end when that was last looked at.
    var isConnected: Bool { connected.withLock { $0 } }

    /// Looks whether somebody is there.
    func look() async {
        let isThere = await socket.isReachable()
        connected.withLock { $0 = isThere }
    }

    /// Ends what is asked of it.
    func close() { socket.close() }

    /// Has claims made ready on the node. Throws `PluginFailure`.
    /// - Returns: a `NodePrepareResourceResponse` for each uid.
    func prepare(_ claims: [Value]) async throws -> Value.Fields { try await call("NodePrepareResources", claims) }

    /// Has them taken back.
    func unprepare(_ claims: [Value]) async throws -> Value.Fields { try await call("NodeUnprepareResources", claims) }

    private func call(_ method: String, _ claims: [Value]) async throws -> Value.Fields {
        let types = ("\(method)Request", "\(method)Response")
        let request: Value = ["claims": .array(claims)]
        return try await socket.call("k8s.io.kubelet.pkg.apis.dra.\(service)/\(method)", request, types, within: Self.limit)["claims"]
            .fields
    }
}
