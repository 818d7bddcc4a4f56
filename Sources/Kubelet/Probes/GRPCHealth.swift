import APIModel
import GRPC
import NIOCore
import NIOPosix

/// Asks a container whether it is well by `grpc.health.v1.Health/Check`. Upstream: `probe/grpc`.
enum GRPCHealth {
    /// How the service can be, by number.
    private static let states = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"]

    /// Every answer but `SERVING`, and none at all, is a failure.
    static func check(_ host: String, _ port: Int, service: String, timeout: Whole, userAgent: String) async -> Handler.Outcome {
        let time = Duration.seconds(timeout)
        let connection = GRPCConnection(
            to: .tcp(host: host, port: port), userAgent: userAgent, connectTimeout: time, on: .singleton)
        defer { connection.close() }
        let text = GoDuration.text(seconds: timeout)
        do {
            return try await abandonable(within: time, late: GRPCFailure(code: "DeadlineExceeded", message: "")) {
                do { try await connection.connect() } catch {
                    let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
                    return .failure("timeout: failed to connect service \"\(address)\" within \(text): context deadline exceeded")
                }
                let answer = try await connection.call("grpc.health.v1.Health/Check", request(service), timeout: time).get()
                let state = state(answer)
                if state == 1 { return .success }
                let name = states.indices.contains(state) ? states[state] : String(state)
                return .failure("service unhealthy (responded with \"\(name)\")")
            }
        } catch let error as GRPCFailure {
            switch error.code {
            case "Unimplemented":
                let problem = "this server does not implement the grpc health protocol (grpc.health.v1.Health)"
                return .failure("error: \(problem): \(error.message)")
            case "DeadlineExceeded": return .failure("timeout: health rpc did not complete within \(text)")
            default:
                return .failure("error: health rpc probe failed: rpc error: code = \(error.code) desc = \(error.message)")
            }
        } catch {
            return .error("\(error)")
        }
    }

    /// `HealthCheckRequest`: the service's name as field 1.
    static func request(_ service: String) -> [UInt8] {
        if service.isEmpty { return [] }
        var message: [UInt8] = [0x0a]
        var count = service.utf8.count
        while count >= 0x80 {
            message.append(UInt8(count & 0x7f) | 0x80)
            count >>= 7
        }
        return message + [UInt8(count)] + service.utf8
    }

    /// The state in a `HealthCheckResponse`, its field 1; 0 when it says none.
    static func state(_ message: [UInt8]) -> Int {
        guard message.count >= 2, message[0] == 0x08, message[1] < 0x80 else { return 0 }
        return Int(message[1])
    }
}
