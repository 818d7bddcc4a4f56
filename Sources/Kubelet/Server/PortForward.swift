import APIModel
import HTTPServer
import HTTPTypes

struct PortForward: Sendable {
    let context: Context
    let runtime: any Runtime
    let pods: Pods

    func respond(namespace: String, pod name: String, _ request: Request) async throws -> Response {
        throw APIError.badRequest("")
    }
}
