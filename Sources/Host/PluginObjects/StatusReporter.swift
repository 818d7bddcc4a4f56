internal import APIModel
internal import Client
internal import Logging
internal import OrderedCollections
internal import PluginHost
internal import Synchronization

/// Tells the API how this process's plugins are: their objects' status, and Events about what happened to them.
///
/// Writes the status subresource and nothing else, without a resourceVersion, so that it never stands in the way of who changes the
/// specification; and only what differs from what this process wrote last, so that two nodes with the same plugin do not overwrite each
/// other without news. All methods are safe from any task; `run` is to be called once.
final class StatusReporter: Sendable {
    private struct Subject {
        /// The object, for Events.
        var object: Value
        var written: StatusValue?
        /// This process cannot read the object: why.
        var unreadable: String?
        /// This process was told not to run it: why.
        var off: String?
        /// Why it runs in a process of its own although nobody asked for that.
        var mark: CrashMark?
        /// The host has not done yet what the object asks for.
        var isUnsettled = false
        var isReady: Bool?
        var since = ""
    }

    private enum Signal: Sendable {
        case notice(PluginNotice)
        /// A state may have changed.
        case look
        /// The object with this uid is gone. In its turn, after the notices about its end.
        case forget(String, uid: Value)
        /// Time to count.
        case count
    }

    private let host: PluginHost
    private let client: any Client
    private let recorder: EventRecorder
    private let log: Logger
    private let subjects = Mutex<[String: Subject]>([:])
    private let signals: AsyncStream<Signal>
    private let signal: AsyncStream<Signal>.Continuation
    private let observation: PluginObservation

    /// Hears of `host` from now on, so that nothing is missed that happens before `run`.
    init(_ host: PluginHost, client: any Client, log: Logger) {
        self.host = host
        self.client = client
        self.log = log
        recorder = EventRecorder(client: client, component: "plugin-host", host: NodeAddress.hostname(), log: log)
        let (signals, signal) = AsyncStream.makeStream(of: Signal.self)
        (self.signals, self.signal) = (signals, signal)
        observation = host.observe { signal.yield(.notice($0)) }
    }

    /// An object there is, at its newest, which the host is about to take up: what Events point at. A status is written for objects told
    /// of, and for no others.
    func know(_ object: Value, unreadable: String? = nil, off: String? = nil, mark: CrashMark? = nil) {
        guard let name = object["metadata"]["name"].string else { return }
        subjects.withLock { subjects in
            var subject = subjects[name] ?? Subject(object: object)
            // Another object of the same name has none of what was written.
            if subject.object["metadata"]["uid"] != object["metadata"]["uid"] { subject.written = nil }
            subject.object = object
            (subject.unreadable, subject.off, subject.mark, subject.isUnsettled) = (unreadable, off, mark, unreadable == nil)
            subjects[name] = subject
        }
        signal.yield(.look)
    }

    /// The object is gone, or none of this process's business any more.
    func forget(_ name: String) {
        guard let uid = subjects.withLock({ $0[name]?.object["metadata"]["uid"] }) else { return }
        signal.yield(.forget(name, uid: uid))
    }

    /// The host has done what it could about all objects told of.
    func settle() {
        subjects.withLock { subjects in for name in subjects.keys { subjects[name]?.isUnsettled = false } }
        signal.yield(.look)
    }

    /// Until the task is cancelled.
    func run() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.recorder.run() }
            group.addTask {
                while !Task.isCancelled {
                    try? await Task.sleep(for: .seconds(10))
                    self.signal.yield(.count)
                }
            }
            for await signal in signals {
                switch signal {
                case .notice(let notice):
                    tell(notice)
                    await write(counters: false)
                case .look: await write(counters: false)
                case .count: await write(counters: true)
                case .forget(let name, let uid): subjects.withLock { if $0[name]?.object["metadata"]["uid"] == uid { $0[name] = nil } }
                }
            }
        }
    }

    private func tell(_ notice: PluginNotice) {
        guard let object = subjects.withLock({ $0[notice.plugin]?.object }) else { return }
        recorder.event(about: object, notice.isWarning ? .warning : .normal, reason: notice.reason.rawValue, message: notice.message)
    }

    private func write(counters: Bool) async {
        for (name, status) in news(counters: counters) {
            do {
                // "add" replaces the whole, and says nothing of the version it replaces.
                let patch: Value = [["op": "add", "path": "/status", "value": status.value]]
                _ = try await client.patch(.plugins, namespace: nil, name: name, subresource: "status", .json, patch)
                subjects.withLock { $0[name]?.written = status }
            } catch is CancellationError {
                return
            } catch let error as APIError where error.reason == .notFound {
                // Deleted: whoever watches will say so.
            } catch {
                // What could not be written is tried again when the counters are.
                log.warning("the status of plugin \(name) was not written", metadata: ["error": "\(error)"])
            }
        }
    }

    /// What is to be written now. The host is asked while nobody can `know` or `settle`: what it says of an object that it is about is
    /// neither before nor after.
    private func news(counters: Bool) -> [(name: String, status: StatusValue)] {
        subjects.withLock { subjects in
            let plugins = Dictionary(host.plugins.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
            return subjects.keys.sorted().compactMap { name in
                guard var subject = subjects[name] else { return nil }
                defer { subjects[name] = subject }
                return Self.status(&subject, plugins[name], counters: counters).map { (name, $0) }
            }
        }
    }

    /// `nil` when there is nothing new.
    private static func status(_ subject: inout Subject, _ plugin: PluginStatus?, counters: Bool) -> StatusValue? {
        // What runs, or does not, while the host is about it does so by an earlier generation: of the newest there is only a first start to
        // tell of.
        if subject.isUnsettled, let plugin, plugin.startTime != nil || ![.discovered, .loaded].contains(plugin.state) { return nil }
        let isReady = subject.unreadable == nil && plugin.map(StatusValue.isReady) ?? false
        if subject.isReady != isReady { (subject.isReady, subject.since) = (isReady, Timestamp.now()) }
        let status: StatusValue
        if let reason = subject.unreadable, plugin.map({ !StatusValue.isReady($0) }) ?? true {
            status = StatusValue(unreadable: reason, generation: subject.object["metadata"]["generation"].int?.int64, since: subject.since)
        } else if var plugin {
            if let off = subject.off, plugin.state == .skipped { plugin.reason = off }
            status = StatusValue(plugin, since: subject.since, mark: subject.mark)
        } else {
            return nil
        }
        guard let written = subject.written else { return status }
        return written.state != status.state || counters && written.value != status.value ? status : nil
    }
}
