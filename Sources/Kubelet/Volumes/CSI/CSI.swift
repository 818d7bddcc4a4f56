import APIModel
import Client
import FileSystem
import Logging
import Synchronization

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
    /// Set when something may be there to clear away, or a driver has come.
    let clearing = Wakeup()
    private let arrived = Arrived()

    /// Drivers that came, until somebody looks.
    private final class Arrived: Sendable {
        private let names = Mutex<Set<String>>([])
        func note(_ name: String) { names.withLock { _ = $0.insert(name) } }
        func take() -> Set<String> {
            names.withLock { names in
                defer { names = [] }
                return names
            }
        }
    }

    /// Where volumes of drivers are in a pod's directory, by name.
    static let volumes = "volumes/kubernetes.io~csi"

    init(
        configuration: KubeletConfiguration, client: any Client, tokens: ServiceAccountTokens, disk: BlockingWork, node: OwnNode,
        log: Logger
    ) {
        self.configuration = configuration
        self.client = client
        self.tokens = tokens
        self.disk = disk
        self.node = node
        self.log = log
    }

    private static let objects = GroupVersionResource(group: "storage.k8s.io", version: "v1", resource: "csidrivers")

    /// The CSIDriver of that name; null when there is none.
    func object(_ driver: String) async throws -> Value {
        do { return try await client.get(Self.objects, name: driver).value } catch let error as APIError where error.reason == .notFound {
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
    ///   - isWanted: whether the API or a worker has a pod of that uid, at this moment.
    ///   - refresh: called with the uid of a pod that can have its volumes now.
    func run(_ isWanted: @escaping @Sendable (_ uid: String) -> Bool, refresh: @escaping @Sendable (_ uid: String) async -> Void) async {
        let csiNode = CSINode(name: configuration.nodeName, client: client, log: log)
        let registration = PluginRegistration(
            sockets: PluginSockets(directory: configuration.rootDirectory + "/plugins_registry", disk: disk),
            kinds: [
                "CSIPlugin": CSIRegistration(drivers: drivers, node: csiNode, limit: limit) { name in
                    arrived.note(name)
                    clearing.set()
                }
            ], log: log)
        await withDiscardingTaskGroup { group in
            group.addTask { await make(csiNode) }
            group.addTask { await registration.run() }
            group.addTask { await clearAway(isWanted, refresh) }
        }
    }

    /// Drivers are looked for there also when none has come yet.
    private func make(_ csiNode: CSINode) async {
        var wait = Duration.milliseconds(100)
        while !Task.isCancelled {
            do { return try await csiNode.make() } catch {
                try? await Task.sleep(for: wait)
                wait = min(wait * 2, .seconds(30))
            }
        }
    }

    // MARK: What nobody needs any more

    private enum Leftover: Hashable, Sendable {
        case pod(String)
        case device(CSIDevice)
    }

    /// Each leftover is a task of its own: a driver that hangs holds up nobody else's.
    private func clearAway(
        _ isWanted: @escaping @Sendable (String) -> Bool, _ refresh: @escaping @Sendable (String) async -> Void
    ) async {
        let underWay = Mutex<Set<Leftover>>([])
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                let arrived = arrived.take()
                for (key, use) in arrived.isEmpty ? [:] : ledger.all where arrived.contains(use.device.driver) && use.progress != .mounted {
                    await refresh(key.pod)
                }
                let pods = ledger.pods.filter { !isWanted($0) }.map(Leftover.pod)
                for leftover in pods + ledger.abandoned.map(Leftover.device) where underWay.withLock({ $0.insert(leftover).inserted }) {
                    group.addTask {
                        do {
                            switch leftover {
                            case .pod(let uid): if !isWanted(uid) { try await tearDown(uid) }
                            case .device(let device): try await unstage(device)
                            }
                        } catch {
                            if !Task.isCancelled { log.warning("\(error)") }
                        }
                        underWay.withLock { _ = $0.remove(leftover) }
                    }
                }
                await clearing.wait(until: .now + .seconds(30))
            }
        }
    }
}
