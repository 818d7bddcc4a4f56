internal import GRPC
internal import NIOCore
internal import PluginKit

/// What CRI says about an id that may be a container's or a sandbox's.
enum CRIState {
    case container(ended: Bool)
    case sandbox(ended: Bool)
    case gone

    /// Asks; an answer that does not come counts as one that says nothing new.
    static func read(_ id: String, over connection: GRPCConnection) async -> CRIState {
        let request = WireFields.message(1, id)
        do {
            let answer = try await connection.call("runtime.v1.RuntimeService/ContainerStatus", request, timeout: .seconds(2)).get()
            // CONTAINER_EXITED is 2, CONTAINER_UNKNOWN 3.
            return .container(ended: WireFields.number(3, in: WireFields.bytes(1, in: answer)) >= 2)
        } catch let error as CRIError where error.code == "NotFound" {
            guard let answer = try? await connection.call("runtime.v1.RuntimeService/PodSandboxStatus", request, timeout: .seconds(2)).get()
            else { return .gone }
            // SANDBOX_NOTREADY is 1.
            return .sandbox(ended: WireFields.number(3, in: WireFields.bytes(1, in: answer)) == 1)
        } catch {
            return .gone
        }
    }
}
