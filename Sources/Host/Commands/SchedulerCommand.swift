internal import APIModel
internal import ArgumentParser
internal import Client
internal import Logging
internal import PluginHost
internal import Scheduler
internal import Synchronization

/// The scheduler as a process of its own.
struct SchedulerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kube-scheduler", abstract: "The scheduler by itself.")

    @Option(
        help: "The kubeconfig file with the API's address and the credentials of this component. Default: what --config names.")
    var kubeconfig: String?

    @Option(help: "A file that configures the scheduler: a KubeSchedulerConfiguration of kubescheduler.config.k8s.io/v1.")
    var config: String?

    @Option(
        help:
            "Write all that the scheduler hears and decides to this file, for `apus scheduler replay`. It grows as long as the scheduler runs."
    )
    var record: String?

    @OptionGroup var election: LeaderElectionOptions
    @OptionGroup var certificate: CertificateOptions
    @OptionGroup var plugins: PluginOptions
    @OptionGroup var log: LogOptions

    @Option(help: "The address of this component's /healthz and /metrics.")
    var bindAddress = "127.0.0.1"

    @Option(help: "The HTTPS port of this component's /healthz and /metrics; 0 turns it off.")
    var securePort = 10259

    func validate() throws { try Ports.check(securePort, "--secure-port", zero: "turns it off") }

    func run() async throws {
        let process = RoleProcess("kube-scheduler", log)
        let configuration = try SchedulerConfigurationFile.read(config, of: "--config", isAlone: true)
        guard let kubeconfig = kubeconfig ?? configuration.kubeconfig else {
            throw StartupFailure("--kubeconfig: required, unless clientConnection.kubeconfig of --config says it")
        }
        let places = try PluginPlaces(plugins)
        let host = PluginHost(
            PluginHost.Configuration(manifestDirectory: places.manifests, libraryDirectories: places.libraries, kinds: [.schedulerPolicy]),
            log: Logger(label: "plugins"))
        let client = try process.client(kubeconfig: kubeconfig)
        let leads = election.leaderElect ?? configuration.leaderElect ?? true
        let elector = leads ? process.elector(client) : nil
        try await process.run(
            { group in
                let cache = Cache(client: client, log: Logger(label: "cache"))
                let recorder = EventRecorder(client: client, component: "default-scheduler", log: process.log)
                let scheduler = Scheduler(
                    client: client, cache: cache, policies: host, recorder: recorder, configuration: configuration, recording: record,
                    log: process.log)
                let isLeading = Leads(elector == nil)
                let metrics = MetricsPage(client: client) { scheduler.figures }
                try await HealthEndpoint.serve(in: &group, bindAddress, securePort, .tls(certificate), metrics: metrics) {
                    // One that waits for its turn to lead is well.
                    isLeading.value && !scheduler.healthy ? "the scheduler has not seen all nodes and pods yet" : nil
                }
                group.add("kubeconfig") { await client.follow(kubeconfig: kubeconfig) }
                group.add("cache") { try await cache.run() }
                group.add("events") { await recorder.run() }
                let objects = PluginObjects(
                    host, client: client, cache: cache, selection: PluginObjects.Selection(kinds: [.schedulerPolicy]),
                    log: Logger(label: "plugins"))
                try await cache.watch(.plugins)
                try objects.load(cache.list(.plugins))
                try SchedulerConfigurationFile.check(configuration, host, of: "--config")
                try await host.start(services: HostServices(client: client, cache: cache))
                group.add("plugins") { try await objects.run() }
                group.add("scheduler") {
                    guard let elector else { return try await scheduler.run() }
                    try await elector.run {
                        isLeading.value = true
                        try await scheduler.run()
                    }
                }
            }, end: [Shutdown.Step(name: "plugins") { await host.stop() }, Shutdown.Step(name: "connections") { await client.shutDown() }])
    }
}

/// Whether this process leads.
private final class Leads: Sendable {
    private let state: Mutex<Bool>
    init(_ value: Bool) { state = Mutex(value) }
    var value: Bool {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
