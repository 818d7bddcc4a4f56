import APIModel
import HTTPServer
import Streaming

/// What other servers publish, over TLS. Each question has a connection of its own. Safe from any task.
struct RemoteDocument: Sendable {
    /// Who vouches for those servers, in PEM; `nil` for the system's roots.
    var authorities: String?

    private static let timeout = Duration.seconds(30)
    private static let longest = 4 << 20

    /// - Parameter bearer: what to show, if anything.
    /// - Throws: when there is no answer in time, or none of success.
    func get(_ text: String, bearer: String? = nil) async throws -> [UInt8] {
        guard let url = WebhookURL(text), url.scheme == "https" else { throw ConfigurationProblem("\(text) is no URL of https") }
        let end = ContinuousClock.now + Self.timeout
        let connection = try await Dialer.connect(
            host: url.host, port: url.port ?? 443, tls: Dialer.TLS(caPEM: authorities), timeout: Self.timeout)
        // The goodbye of TLS waits for the other side, and nobody here needs it. The task ends with the connection.
        defer { Task { await connection.close() } }
        var headers = [("Accept", "application/json"), ("User-Agent", "kube-apiserver"), ("Connection", "close")]
        if let bearer { headers.append(("Authorization", "Bearer \(bearer)")) }
        let request = HTTP1Request(
            target: url.query.isEmpty ? url.path : "\(url.path)?\(url.query)", host: url.authority, headers: headers)
        return try await within(end - ContinuousClock.now) {
            let answer = try await request.send(over: connection)
            let bytes = try await answer.collect(upTo: Self.longest)
            guard answer.status == 200 else { throw BackendServer.Refused(status: answer.status) }
            return bytes
        }
    }
}
