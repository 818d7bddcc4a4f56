import APIModel
import FileSystem
import GRPC
import Logging

/// Tells programs of the node which container has which devices and processors: `v1.PodResourcesLister` on a socket. Upstream:
/// `kubelet/apis/podresources`.
struct ResourceLister: Sendable {
    let context: Context
    let pods: @Sendable () async -> [Pod]

    private struct Call: Sendable {
        var method: String
        var request: [UInt8]
        var reply: GRPCReply
    }

    /// Serves until cancelled.
    func run() async {
        let directory = context.configuration.rootDirectory + "/pod-resources"
        let (calls, source) = AsyncStream<Call>.makeStream()
        let server: GRPCServer
        do {
            _ = try await context.disk.run { try Directory.make(directory) }
            server = try await GRPCServer.listen(on: "\(directory)/kubelet.sock") { method, request, reply in
                source.yield(Call(method: method, request: request, reply: reply))
            }
        } catch {
            return context.log.error("nobody can ask for resources of pods at \(directory)/kubelet.sock: \(error)")
        }
        await withDiscardingTaskGroup { group in
            for await call in calls { group.addTask { await answer(call) } }
            group.cancelAll()
        }
        await server.stop()
    }

    private func answer(_ call: Call) async {
        do {
            let (answer, type) = try await answer(call.method, call.request)
            guard let type = Catalogue.devices.type(named: type) else {
                throw GRPCFailure(code: "Internal", message: "there is no \(type)")
            }
            call.reply.send(try Protobuf.encode(answer, as: type))
            call.reply.end()
        } catch {
            call.reply.end(error as? GRPCFailure ?? GRPCFailure(code: "Internal", message: "\(error)"))
        }
    }

    private func answer(_ method: String, _ request: [UInt8]) async throws -> (Value, String) {
        switch method {
        case "v1.PodResourcesLister/List":
            return (["pod_resources": .array(await pods().filter { !$0.isTerminal }.map(resources))], "ListPodResourcesResponse")
        case "v1.PodResourcesLister/Get":
            guard let type = Catalogue.devices.type(named: "GetPodResourcesRequest") else { break }
            let asked = try Protobuf.decode(request, as: type)
            let (name, namespace) = (asked["pod_name"].string ?? "", asked["pod_namespace"].string ?? "")
            guard let pod = await pods().first(where: { $0.name == name && $0.namespace == namespace && !$0.isTerminal }) else {
                throw GRPCFailure(code: "Unknown", message: "pod \(name) in namespace \(namespace) not found")
            }
            return (["pod_resources": resources(pod)], "GetPodResourcesResponse")
        case "v1.PodResourcesLister/GetAllocatableResources":
            return (
                [
                    "devices": .array(context.devices.healthy), "cpu_ids": numbers(context.cpus.allocatable),
                    "memory": blocks(context.memory.allocatable),
                ], "AllocatableResourcesResponse"
            )
        default: break
        }
        throw GRPCFailure(code: "Unimplemented", message: "unknown method \(method)")
    }

    /// `PodResources` of a pod: of its containers, those that run before the others and end aside.
    private func resources(_ pod: Pod) -> Value {
        let devices = context.devices.devices(of: pod.uid)
        let containers = pod.initContainers.filter(\.isSidecar) + pod.containers
        return [
            "name": .string(pod.name), "namespace": .string(pod.namespace),
            "containers": .array(
                containers.map { container in
                    [
                        "name": .string(container.name), "devices": .array(devices[container.name] ?? []),
                        "cpu_ids": numbers(context.cpus.own(of: container.name, in: pod.uid)),
                        "memory": blocks(context.memory.own(of: container.name, in: pod.uid)),
                        "dynamic_resources": .array(context.claims.resources(of: container, in: pod)),
                    ]
                }),
        ]
    }

    private func blocks(_ memory: [MemoryAssignments.Block]) -> Value {
        .array(
            memory.map { block in
                let nodes = block.nodes.nodes.sorted().map { node -> Value in ["ID": .int(Whole(node))] }
                return ["memory_type": .string(block.kind), "size": .int(block.size), "topology": ["nodes": .array(nodes)]]
            })
    }

    private func numbers(_ cpus: CPUSet) -> Value { .array(cpus.ids.sorted().map { .int(Whole($0)) }) }
}
