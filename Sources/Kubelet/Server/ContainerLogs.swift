import APIModel
import HTTPServer
import HTTPTypes

/// `kubectl logs`. Upstream: `GetKubeletContainerLogs`.
struct ContainerLogs: Sendable {
    let context: Context
    let pods: Pods

    /// Throws `APIError` when there is nothing to show.
    func respond(namespace: String, pod name: String, container: String, _ request: Request) async throws -> Response {
        let options = try LogOptions(request.query, now: Clock.nanoseconds())
        guard let worker = await pods.worker(namespace: namespace, name: name) else {
            throw APIError(code: 404, reason: .notFound, message: "pod \"\(name)\" not found")
        }
        let pod = await worker.pod
        guard pod.container(container) != nil else {
            throw APIError(code: 404, reason: .notFound, message: "container \"\(container)\" not found in pod \"\(name)\"")
        }
        let status = context.statuses.status(pod.uid) ?? pod.status
        let id: String
        do { id = try Self.container(container, pod: name, status: status, previous: options.previous) } catch {
            throw APIError.badRequest(error.message)
        }
        let file = ContainerLogFile(try await path(of: id), context.configuration)
        let reader = LogReader(log: file, options: options, disk: context.disk)
        do {
            _ = try await reader.open()
        } catch {
            throw APIError.internalError("\(error)")
        }
        let cri = context.cri
        return .stream(status: .ok, headers: [.contentType: "text/plain"]) { writer in
            writer.allowPauses()
            // The head goes out at once, however long the container stays silent.
            try await writer.write([])
            try await reader.read(
                isRunning: { (try? await cri.containerStatus(id))?["state"].int == PodRuntime.Container.State.running.rawValue },
                write: { try await writer.write($0) })
        }
    }

    private func path(of id: String) async throws -> String {
        do {
            guard let path = try await context.cri.containerStatus(id)["log_path"].string, !path.isEmpty else {
                throw APIError.internalError("container \(id) has no log")
            }
            return path
        } catch let error as RuntimeFailure {
            throw APIError(code: 500, reason: .internalError, message: "failed to get container status \"\(id)\": \(error)")
        }
    }

    /// The runtime's id of the container whose log is meant. Upstream: `validateContainerLogStatus`.
    static func container(_ container: String, pod: String, status: Value, previous: Bool) throws(ConfigurationError) -> String {
        let fields = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"]
        guard let told = fields.lazy.flatMap({ status[$0].elements }).first(where: { $0.name == container }) else {
            throw ConfigurationError(message: "container \"\(container)\" in pod \"\(pod)\" is not available")
        }
        let last = told[path: "lastState", "terminated", "containerID"].string ?? ""
        let id: String
        if previous {
            guard !last.isEmpty else {
                throw ConfigurationError(message: "previous terminated container \"\(container)\" in pod \"\(pod)\" not found")
            }
            id = last
        } else if !told[path: "state", "running"].isNull {
            id = told["containerID"].string ?? ""
        } else if !told[path: "state", "terminated"].isNull {
            let own = told[path: "state", "terminated", "containerID"].string ?? ""
            id = own.isEmpty ? last : own
            guard !id.isEmpty else { throw ConfigurationError(message: "container \"\(container)\" in pod \"\(pod)\" is terminated") }
        } else if !told[path: "lastState", "terminated"].isNull {
            guard !last.isEmpty else { throw ConfigurationError(message: "container \"\(container)\" in pod \"\(pod)\" is terminated") }
            id = last
        } else {
            let why =
                switch told[path: "state", "waiting", "reason"].string ?? "" {
                case "ErrImagePull": "image can't be pulled"
                case "ImagePullBackOff": "trying and failing to pull image"
                case let reason: reason
                }
            throw ConfigurationError(message: "container \"\(container)\" in pod \"\(pod)\" is waiting to start: \(why)")
        }
        return ContainerStatuses.runtimeID(id)
    }
}
