internal import ArgumentParser
internal import Client
internal import Glibc
internal import Logging
internal import PluginHost
internal import Scheduler

/// What other policies would have decided.
struct DecisionReplayCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay",
        abstract: "Make recorded decisions again, with other policies or another configuration, and say what differs.",
        discussion: """
            A recording is made by `apus up --scheduler-record FILE` or `apus kube-scheduler --record FILE`. Every decision is judged on the state of the cluster as it was \
            then. The policies are those of the manifests; no cluster is needed.
            """)

    @Argument(help: "The recording.")
    var file: String

    @OptionGroup var plugins: PluginOptions

    @Option(help: "A plugin to run although its manifest does not enable it. May be given several times.")
    var enable: [String] = []

    @Option(help: "A plugin not to run. May be given several times.")
    var disable: [String] = []

    @Option(help: "A file that configures the scheduler: a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.")
    var config: String?

    func run() async throws {
        let configuration = try SchedulerConfigurationFile.read(config, of: "--config", isAlone: true)
        let places = try PluginPlaces(plugins)
        var hosted = PluginHost.Configuration(
            manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.schedulerPolicy])
        (hosted.enable, hosted.disable) = (Set(enable), Set(disable))
        let host = PluginHost(hosted, log: Logger(label: "plugins"))
        do { try host.load() } catch { throw StartupFailure("\(error)") }
        try SchedulerConfigurationFile.check(configuration, host, of: "--config")
        for name in enable + disable where !host.plugins.contains(where: { $0.name == name }) {
            throw StartupFailure("there is no plugin \(name) in \(places.manifests)")
        }
        do {
            try await host.start(services: HostServices(client: NoAPI(), cache: Cache(client: NoAPI(), log: Logger(label: "cache"))))
        } catch {
            throw StartupFailure("\(error)")
        }
        let result = Result { try replay(configuration, host) }
        await host.stop()
        for line in ReplayText(try result.get()).lines { Output.line(line) }
    }

    private func replay(_ configuration: SchedulerConfiguration, _ host: PluginHost) throws -> Replay {
        guard let lines = LineReader(file) else { throw StartupFailure("\(file): \(String(cString: strerror(errno)))") }
        var replay = Replay(configuration, host)
        while let line = lines.next() {
            do { try replay.take(line) } catch let problem as Replay.Problem { throw StartupFailure("\(file): \(problem)") }
        }
        return replay
    }
}

/// A file, line by line, however long it is.
private final class LineReader {
    private let file: UnsafeMutablePointer<FILE>
    private var buffer: UnsafeMutablePointer<CChar>?
    private var capacity = 0

    /// `nil` with `errno` set where the file cannot be read.
    init?(_ path: String) {
        guard let file = fopen(path, "re") else { return nil }
        self.file = file
    }

    deinit {
        free(buffer)
        fclose(file)
    }

    /// Without its end; `nil` after the last.
    func next() -> [UInt8]? {
        let count = getline(&buffer, &capacity, file)
        guard count >= 0, let buffer else { return nil }
        let bytes = UnsafeRawBufferPointer(start: buffer, count: count)
        return Array(bytes.last == UInt8(ascii: "\n") ? UnsafeRawBufferPointer(rebasing: bytes.dropLast()) : bytes)
    }
}
