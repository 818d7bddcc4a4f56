import APIModel
import Client
import FileSystem
import Logging

/// Volumes of storage drivers: brings them up for pods, and takes them away again. Safe from any task.
///
/// A volume is used by one task at a time: `turns` says whose turn it is. Before a driver is asked for anything, it is written beside the
/// mount what will have to be taken away. Upstream: `volume/csi`.
struct CSI: Sendable {
    let configuration: KubeletConfiguration
    let client: any Client
    let tokens: ServiceAccountTokens
    let disk: BlockingWork
    let node: OwnNode
    let events: any EventSink
    let log: Logger
    /// How long a call of a driver may take. Upstream's.
    var limit = Duration.seconds(120)
    /// How long a volume is waited for to be attached before that is told and tried again.
    var attachLimit = Duration.seconds(15)
    /// Called when the volumes in use are others.
    var changed: @Sendable () -> Void = {}

    let drivers = CSIDrivers()
    let ledger = CSILedger()
    let turns = KeyedTurns()
    let errands = CSIErrands()
    let stats = CSIStats()

    /// Where volumes of drivers are in a pod's directory, by name.
    static let volumes = "volumes/kubernetes.io~csi"
    /// The same of volumes without a file system: links to them.
    static let devices = "volumeDevices/kubernetes.io~csi"

    init(
        configuration: KubeletConfiguration, client: any Client, tokens: ServiceAccountTokens, disk: BlockingWork, node: OwnNode,
        events: any EventSink, log: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.tokens = tokens
        self.disk = disk
        self.node = node
        self.events = events
        self.log = log
    }

    /// Where a driver brings a volume for a pod.
    func target(_ key: CSILedger.Key, _ device: CSIDevice) -> String { "\(configuration.rootDirectory)/\(device.target(key))" }

    /// The CSIDriver of that name; null when there is none.
    func object(_ driver: String) async throws -> Value {
        do { return try await client.get(StorageObjects.drivers, name: driver).value } catch let error as APIError
            where error.reason == .notFound
        {
            return .null
        }
    }

    /// Learns what an earlier kubelet left. Before anything else.
    func load() async throws {
        let (ledger, root) = (ledger, configuration.rootDirectory)
        try await disk.run { ledger.load(root) }
        changed()
    }

    /// Takes drivers in and clears away what nobody needs any more, until cancelled.
    /// - Parameters:
    ///   - others: plugins of other kinds that register at the same place, by what they say they are.
    ///   - removeVolumes: takes away what a pod has that nobody wants and that nothing runs of.
    ///   - refresh: called with the uid of a pod that can have its volumes now.
    func run(
        others: [String: any RegistrablePlugin] = [:],
        removeVolumes: @escaping @Sendable (_ uid: String) async throws -> Void, refresh: @escaping @Sendable (_ uid: String) async -> Void
    ) async {
        let csiNode = CSINode(name: configuration.nodeName, client: client, log: log)
        var kinds = others
        kinds["CSIPlugin"] = CSIRegistration(drivers: drivers, node: csiNode, limit: limit, arrived: errands.arrive)
        let registration = PluginRegistration(
            sockets: PluginSockets(directory: configuration.rootDirectory + "/plugins_registry", disk: disk), kinds: kinds, log: log)
        await withDiscardingTaskGroup { group in
            group.addTask { await make(csiNode) }
            group.addTask { await registration.run() }
            group.addTask { await runErrands(removeVolumes, refresh) }
            group.addTask { await measure() }
        }
    }

    /// Drivers are looked for there also when none has come yet.
    private func make(_ csiNode: CSINode) async {
        var backoff = Backoff(first: .milliseconds(100), spread: 0)
        while !Task.isCancelled {
            do { return try await csiNode.make() } catch {
                try? await Task.sleep(for: backoff.next())
            }
        }
    }
}
