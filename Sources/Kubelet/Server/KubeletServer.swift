import APIModel
import HTTPServer
import HTTPTypes
import Logging
import NIOSSL

/// The node's HTTPS server: what the API server asks of a node on behalf of `kubectl logs`, `exec`, `attach` and `port-forward`. Paths are
/// upstream's.
struct KubeletServer: Responder {
    let context: Context
    let runtime: any Runtime
    let pods: Pods
    let healthy: @Sendable () -> Bool
    let access: ServerAccess

    init(context: Context, runtime: any Runtime, pods: Pods, healthy: @escaping @Sendable () -> Bool) {
        self.context = context
        self.runtime = runtime
        self.pods = pods
        self.healthy = healthy
        access = ServerAccess(context.configuration, client: context.client)
    }

    /// Throws when the certificate or the key is unusable.
    func httpServer(_ certificate: ServingCertificate) throws -> HTTPServer {
        let configuration = context.configuration
        let tls = try certificate.configuration()
        return try HTTPServer(
            configuration: HTTPServer.Configuration(host: configuration.serverAddress, port: configuration.serverPort, tls: tls),
            responder: self, log: context.log)
    }

    func respond(to request: Request) async -> Response {
        let path = request.path.split(separator: "/").map { String($0) }
        if let refusal = await access.refusal(of: request, path) { return refusal }
        do {
            switch (path.first, path.count) {
            case ("configz", 1): return .json(ConfigurationFile.configz(context.configuration))
            case ("healthz", 1): return healthy() ? .text(.ok, "ok") : .text(.internalServerError, "the node is not ready")
            case ("pods", 1): return .json(await podList())
            case ("metrics", 1): return .text(.ok, await metrics())
            case ("metrics", 2) where path[1] == "resource": return .text(.ok, ResourceMetrics.text(await NodeStats.look(context, pods)))
            case ("metrics", 2) where path[1] == "cadvisor":
                return .text(.ok, ContainerMetrics.text(await NodeStats.look(context, pods), context.machine))
            case ("metrics", 2) where path[1] == "probes": return .text(.ok, context.probeCounts.text)
            case ("stats", 2) where path[1] == "summary":
                return .json(await StatsSummary(context: context, stats: NodeStats.look(context, pods)).make())
            case ("containerLogs", 4):
                return try await ContainerLogs(context: context, pods: pods).respond(
                    namespace: path[1], pod: path[2], container: path[3], request)
            case ("exec", 4), ("exec", 5), ("attach", 4), ("attach", 5):
                // With five parts the uid stands before the container.
                return try await remoteCommand(
                    path[0] == "exec" ? .exec : .attach, namespace: path[1], pod: path[2], container: path[path.count - 1], request)
            case ("portForward", 3), ("portForward", 4):
                return try await PortForwarding(context: context, runtime: runtime, pods: pods).respond(
                    namespace: path[1], pod: path[2], request)
            default: return .text(.notFound, "404 page not found")
            }
        } catch let error as APIError {
            return .text(.init(code: error.code), error.message)
        } catch {
            return .text(.internalServerError, "\(error)")
        }
    }

    private func remoteCommand(_ kind: RuntimeStreamKind, namespace: String, pod: String, container: String, _ request: Request)
        async throws -> Response
    {
        guard let worker = await pods.worker(namespace: namespace, name: pod) else {
            throw APIError(code: 404, reason: .notFound, message: "pod does not exist")
        }
        guard let running = try await worker.runningContainer(container) else {
            throw APIError(code: 404, reason: .notFound, message: "container not found (\"\(container)\")")
        }
        let options = RemoteCommandOptions(request.query)
        guard options.stdin || options.stdout || options.stderr else {
            throw APIError.badRequest("you must specify at least 1 of stdin, stdout, stderr")
        }
        let spec = await worker.pod.container(container) ?? .null
        return try RemoteCommand(runtime: runtime).respond(request, kind, options.message(kind, container: running, spec: spec), options)
    }

    private func podList() async -> Value {
        let items = await pods.list.map { pod -> Value in
            var value = pod.value
            value["status"] = context.statuses.status(pod.uid) ?? pod.status
            return value
        }
        return ["kind": "PodList", "apiVersion": "v1", "metadata": .emptyObject, "items": .array(items)]
    }

    private func metrics() async -> String {
        let pods = await pods.list
        let running = pods.count { context.statuses.status($0.uid)?["phase"].string == "Running" }
        return """
            # HELP kubelet_running_pods Number of pods that have a running pod sandbox
            # TYPE kubelet_running_pods gauge
            kubelet_running_pods \(running)
            # HELP kubelet_desired_pods The number of pods the kubelet is being instructed to run.
            # TYPE kubelet_desired_pods gauge
            kubelet_desired_pods \(pods.count)
            # HELP kubelet_node_name The node's name. The count is always 1.
            # TYPE kubelet_node_name gauge
            kubelet_node_name{node="\(context.configuration.nodeName)"} 1

            """
    }
}

extension PodWorker {
    /// The runtime's id of the container, if it runs. One that this worker is still starting, its `postStart` say, runs as well.
    func runningContainer(_ name: String) async throws -> String? {
        func running(_ runtime: PodRuntime) -> String? { runtime.containers.first { $0.name == name && $0.state == .running }?.id }
        if let id = running(runtime) { return id }
        return running(try await context.reader.read(uid, previous: runtime))
    }

    /// The id of the sandbox, if it is ready.
    var readySandbox: String? { runtime.latestSandbox.flatMap { $0.isReady ? $0.id : nil } }
}

extension Response {
    static func text(_ status: HTTPResponse.Status, _ text: String) -> Response {
        .full(status: status, headers: [.contentType: "text/plain; charset=utf-8"], body: [Array(text.utf8)])
    }

    static func json(_ value: Value) -> Response {
        .full(status: .ok, headers: [.contentType: "application/json"], body: [JSON.encode(value)])
    }
}
