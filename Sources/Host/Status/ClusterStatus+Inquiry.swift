internal import APIModel
internal import Client
internal import Glibc
internal import PKI

extension ClusterStatus {
    /// Looks at everything. What does not answer within a while is told as that.
    init(_ directory: DataDirectory) async {
        let files = CrashFiles(directory)
        self.init(directory: directory.path, time: CrashBook.now)
        host = directory.host.holder
        supervisor = directory.supervisor.holder
        suspects = files.suspects
        crashes = files.crashes
        certificates = Layout(directory: directory.path).certificateEnds
        disk = Disk(directory)
        var info = stat()
        guard host != nil else { return }
        if stat(directory.host.path, &info) == 0 { age = max(0, time - Whole(info.st_mtim.tv_sec)) }
        await ask(directory)
    }

    /// What the API says of itself and the rest.
    private mutating func ask(_ directory: DataDirectory) async {
        let client: HTTPSClient
        do {
            client = try HTTPSClient(configuration: ClientConfiguration.load(kubeconfig: directory.adminKubeconfig))
        } catch {
            apiProblem = "\(error)"
            return
        }
        let answer = await Self.answer(client)
        await client.shutDown()
        switch answer {
        case .success(let answer):
            roles = [Role(name: "apiserver", problem: nil)] + answer.components + answer.nodes + [Self.proxy(answer.plugins)]
            plugins = answer.plugins
            runningVersion = answer.version
            runtimeVersion = answer.runtime
        case .failure(let error):
            apiProblem = (error as? APIError)?.message ?? "\(error)"
            roles = [Role(name: "apiserver", problem: "it does not answer")]
        }
    }

    private struct Answer: Sendable {
        var components: [Role] = []
        var nodes: [Role] = []
        var plugins: [Plugin] = []
        var version: String?
        var runtime: String?
    }

    private struct Slow: Error, CustomStringConvertible {
        var description: String { "there was no answer within \(Text.duration(ClusterStatus.patience))" }
    }

    private static let patience = Duration.seconds(3)

    private static func answer(_ client: any Client) async -> Result<Answer, any Error> {
        await withTaskGroup(of: Result<Answer, any Error>.self) { group in
            group.addTask {
                do { return .success(try await inquire(client)) } catch { return .failure(error) }
            }
            group.addTask {
                try? await Task.sleep(for: patience)
                return .failure(Slow())
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(Slow())
        }
    }

    private static func inquire(_ client: any Client) async throws -> Answer {
        var answer = Answer()
        let components = GroupVersionResource(group: "", version: "v1", resource: "componentstatuses")
        answer.components = try await client.list(components).items.map { component in
            let condition = component.value["conditions"].elements.first { $0["type"].string == "Healthy" } ?? .null
            let isHealthy = condition["status"].string == "True"
            return Role(name: component.name, problem: isHealthy ? nil : condition["message"].string ?? "it is not healthy")
        }
        let nodes = try await client.list(.nodes).items
        answer.nodes = nodes.map { node in
            let ready = node.value["status"]["conditions"].elements.first { $0["type"].string == "Ready" } ?? .null
            let isReady = ready["status"].string == "True"
            return Role(name: "kubelet \(node.name)", problem: isReady ? nil : ready["message"].string ?? "the Node is not Ready")
        }
        let info = nodes.first?.value["status"]["nodeInfo"] ?? .null
        (answer.version, answer.runtime) = (info["kubeletVersion"].string, info["containerRuntimeVersion"].string)
        answer.plugins = try await client.list(.plugins).items.map { plugin in Plugin(plugin.value) }
        return answer
    }

    /// What carries the traffic is a plugin alone.
    private static func proxy(_ plugins: [Plugin]) -> Role {
        Role(name: "proxy", problem: plugins.contains { $0.kind == "Proxy" && $0.state == "Running" } ? nil : "no proxy plugin is running")
    }
}

extension ClusterStatus.Plugin {
    init(_ object: Value) {
        let status = object["status"]
        name = object["metadata"]["name"].string ?? ""
        kind = object["spec"]["kind"].string ?? ""
        state = status["state"].string ?? "Unknown"
        isolation = status["isolation"].string ?? ""
        reason = CrashMark(object).map { "isolated, since \($0.crash)" } ?? status["reason"].string ?? ""
    }
}

extension ClusterStatus.Disk {
    init?(_ directory: DataDirectory) {
        var info = statvfs()
        guard statvfs(directory.path, &info) == 0 else { return nil }
        size = UInt64(info.f_blocks).multipliedReportingOverflow(by: UInt64(info.f_frsize)).partialValue
        free = UInt64(info.f_bavail).multipliedReportingOverflow(by: UInt64(info.f_frsize)).partialValue
        store = ["", "-wal"].reduce(0) { sum, suffix in
            var file = stat()
            return stat(directory.storeFile + suffix, &file) == 0 ? sum + UInt64(max(0, file.st_size)) : sum
        }
    }
}
