internal import HTTPServer
internal import Streaming

/// Asks another component of this machine how it is, for `kubectl get componentstatuses`.
///
/// As upstream's API server: HTTPS on loopback, whatever certificate the component shows, and no credentials.
struct HealthProbe: Sendable {
    let port: Int
    private static let host = "127.0.0.1"
    private static let patience = Duration.seconds(2)

    /// `nil` when it says that it is well.
    func problem() async -> String? {
        let url = "https://\(Self.host):\(port)/healthz"
        do {
            return try await withThrowingTaskGroup(of: String?.self) { group in
                group.addTask { try await ask() }
                group.addTask {
                    try await Task.sleep(for: Self.patience)
                    return "Get \"\(url)\": no answer within \(Self.patience)"
                }
                defer { group.cancelAll() }
                return try await group.next() ?? nil
            }
        } catch {
            return "Get \"\(url)\": \(error)"
        }
    }

    private func ask() async throws -> String? {
        let connection = try await Dialer.connect(host: Self.host, port: port, tls: Dialer.TLS(trustsAnyone: true), timeout: Self.patience)
        return try await withTaskCancellationHandler {
            do {
                let response = try await HTTP1Request(target: "/healthz", host: "\(Self.host):\(port)", headers: [("Connection", "close")])
                    .send(over: connection)
                let text = String(decoding: try await response.collect(upTo: 4096), as: UTF8.self)
                await connection.close()
                return response.status == 200 ? nil : "\(response.status): \(text.split(separator: "\n").first ?? "")"
            } catch {
                await connection.close()
                throw error
            }
        } onCancel: {
            // Ends the read that waits for a component which accepts and says nothing.
            Task { await connection.close() }
        }
    }
}
