internal import GRPC
internal import NIOCore
internal import PluginKit
internal import Synchronization

/// Listens for containers and sandboxes that end, for as long as the plugin runs.
///
/// CRI's own events are used where the runtime has them, else containerd's. When the connection breaks, nobody knows what was missed: after
/// the next success the host is told to look at everything.
final class Changes: Sendable {
    private let connection: GRPCConnection
    private let log: Log
    private let tell: @Sendable (_ sandbox: String, _ container: String) -> Void
    private let listening = Mutex<Task<Void, Never>?>(nil)

    init(connection: GRPCConnection, log: Log, tell: @escaping @Sendable (_ sandbox: String, _ container: String) -> Void) {
        self.connection = connection
        self.log = log
        self.tell = tell
    }

    /// Where events come from.
    private enum Source {
        case cri, containerd
    }

    /// Begins to listen. Returns whether there is anything to listen to.
    func start() -> Bool {
        guard let source = waiting(for: source) else {
            log.warning("the container runtime tells no events: the host must look for itself")
            return false
        }
        listening.withLock { $0 = Task { await listen(to: source) } }
        return true
    }

    /// Ends listening; nothing is told any more when it returns.
    func stop() {
        guard let task = listening.withLock({ $0.take() }) else { return }
        task.cancel()
        waiting { await task.value }
    }

    /// CRI's events are refused at once by a runtime without them, and stay silent until the deadline otherwise; containerd's exist
    /// wherever it is containerd that answers.
    @Sendable private func source() async -> Source? {
        do {
            _ = try await connection.call(Self.criEvents, [], timeout: .milliseconds(50)).get()
            return .cri
        } catch let error as CRIError where error.code == "DeadlineExceeded" {
            return .cri
        } catch {
            return (try? await connection.call("containerd.services.version.v1.Version/Version", [], timeout: .seconds(2)).get()) == nil
                ? nil : .containerd
        }
    }

    private static let criEvents = "runtime.v1.RuntimeService/GetContainerEvents"
    private static let containerdEvents = "containerd.services.events.v1.Events/Subscribe"

    private func listen(to source: Source) async {
        var pause = Duration.milliseconds(20)
        while !Task.isCancelled {
            let began = ContinuousClock.now
            do {
                switch source {
                case .cri:
                    try await connection.stream(Self.criEvents, []) { [tell] message in
                        let event = CRIEvent(message)
                        if event.isEnd { tell(event.sandbox, event.container) }
                    }
                case .containerd: try await listenToContainerd()
                }
            } catch {
                log.debug("the stream of container events ended: \(error)")
            }
            if Task.isCancelled { return }
            if began.duration(to: .now) > .seconds(10) { pause = .milliseconds(20) }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .seconds(2))
            tell("", "")
        }
    }

    /// Each event is followed up by a task of its own, so that many pods that end together do not wait for one another.
    private func listenToContainerd() async throws {
        let (events, feed) = AsyncStream<(id: String, isExit: Bool)>.makeStream()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [connection] in
                defer { feed.finish() }
                try await connection.stream(Self.containerdEvents, ContainerdEvent.subscription) { message in
                    if let subject = ContainerdEvent.subject(message) { feed.yield(subject) }
                }
            }
            await withDiscardingTaskGroup { followUps in
                for await event in events {
                    followUps.addTask { [self] in if event.isExit { await tellWhenCRIKnows(event.id) } else { tell("", event.id) } }
                }
            }
            try await group.waitForAll()
        }
    }

    /// containerd tells of an end before its CRI part has taken notice. So CRI is asked until it has, and only then the host hears of it
    /// and finds what it was told.
    private func tellWhenCRIKnows(_ id: String) async {
        let deadline = ContinuousClock.now + .seconds(2)
        var pause = Duration.milliseconds(2)
        while !Task.isCancelled {
            switch await CRIState.read(id, over: connection) {
            case .container(ended: true): return tell("", id)
            case .sandbox(ended: true): return tell(id, "")
            case .gone: return tell("", id)
            case .container(ended: false), .sandbox(ended: false): if ContinuousClock.now > deadline { return tell("", id) }
            }
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, .milliseconds(50))
        }
    }
}
