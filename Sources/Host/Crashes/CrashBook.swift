internal import APIModel
internal import CLinux
internal import Client
internal import Dispatch
internal import Glibc
internal import Logging
internal import PluginHost
internal import Synchronization

/// Keeps account of crashes from start to start: what was in hand, what is put aside for it, and which plugins are not to run in the host's
/// own process any more.
///
/// Made once, before anything is done that may end the process. Safe from any task.
final class CrashBook: Sendable {
    private let files: CrashFiles
    private let log: Logger
    /// Files are written here, one after the other, so that no loop waits for a disk.
    private let writing = DispatchQueue(label: "apus.crashes")
    private let crashes: Mutex<[Crash]>
    private let following = Mutex<PluginObservation?>(nil)
    /// For the loops.
    let quarantine: Quarantine
    /// The crash of the host before this one, which is why this one was started.
    let last: Crash?

    /// Takes account of how the process before this one ended, and notes from now on what this one has in hand.
    /// - Parameter ended: as the supervisor saw it.
    /// - Throws: `StartupFailure` when the directory cannot be made.
    init(_ directory: DataDirectory, ended: (process: pid_t, end: ProcessEnd)?, log: Logger) throws {
        let files = CrashFiles(directory)
        try files.make()
        self.files = files
        self.log = log
        let now = Self.now
        let last = Crash(ended, InHand.read(files.inHand), at: now)
        var crashes = files.crashes
        var suspects = files.suspects
        if let last {
            crashes.append(last)
            if let key = last.suspect { suspects.note(key, at: now, reason: last.sentence) }
            log.error("\(last.sentence)")
        }
        self.last = last
        self.crashes = Mutex(crashes)
        let writing = writing
        quarantine = Quarantine(suspects) { suspects in writing.async { Self.attempt(log) { try files.write(suspects) } } }
        if last != nil {
            // Before anything else is done: the next crash may be near.
            Self.attempt(log) {
                try files.write(suspects)
                try files.write(crashes)
            }
        }
        if !InHand.open(files.inHand) {
            log.error("nothing is noted for after a crash: \(files.inHand): \(String(cString: strerror(errno)))")
        }
    }

    /// The plugin that took the host down the last time, while it ran in the host's own process.
    var culprit: (plugin: String, crash: Crash)? {
        guard let last, last.isFault, !last.plugin.isEmpty else { return nil }
        return (last.plugin, last)
    }

    /// Takes account from now on of each process of a plugin's own that ends.
    func follow(_ plugins: PluginHost) {
        let observation = plugins.observe { [weak self] notice in
            if let crash = notice.crash { self?.note(Crash(crash, of: notice.plugin, at: Self.now)) }
        }
        following.withLock { $0 = observation }
    }

    private func note(_ crash: Crash) {
        let crashes = crashes.withLock { crashes in
            crashes = (crashes + [crash]).suffix(CrashFiles.kept)
            return crashes
        }
        writing.async { [files, log] in Self.attempt(log) { try files.write(crashes) } }
        if let key = crash.suspect { quarantine.note(key, at: crash.time, reason: crash.sentence) }
    }

    /// The process ends as it should: the next one need not ask what was in hand.
    func close() {
        writing.sync {}
        unlink(files.inHand)
    }

    static var now: Whole { Timestamp.parse(Timestamp.now())?.seconds ?? 0 }

    private static func attempt(_ log: Logger, _ body: () throws -> Void) {
        do { try body() } catch { log.error("crashes are not kept for the next start: \(error)") }
    }
}

// What people hear of it, and ask for.
extension CrashBook {
    /// Tells of each key that is put aside, on its object, and does what `apus release` asks for, until the task is cancelled.
    func run(_ client: any Client) async throws {
        let recorder = EventRecorder(client: client, component: "apus", log: log)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await recorder.run() }
            group.addTask { try await self.watch(client, recorder) }
            try await group.waitForAll()
        }
    }

    private func watch(_ client: any Client, _ recorder: EventRecorder) async throws {
        // A request is a file that appears, and what is put aside comes with one, too.
        let (changes, change) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let descriptor = apus_watch_directory(files.directory)
        guard descriptor >= 0 else { return log.error("\(files.directory) cannot be watched: \(String(cString: strerror(errno)))") }
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: writing)
        source.setEventHandler {
            var names = [UInt8](repeating: 0, count: 4096)
            while read(descriptor, &names, names.count) > 0 {}
            change.yield()
        }
        source.setCancelHandler { Glibc.close(descriptor) }
        source.resume()
        defer { source.cancel() }
        change.yield()
        var told: Set<InHand.Key> = []
        for await _ in changes {
            let putAside = quarantine.suspects.putAside
            for suspect in putAside where !told.contains(suspect.key) { await tell(suspect, client, recorder) }
            told = Set(putAside.map(\.key))
            let (files, writing) = (files, writing)
            let requests = await withCheckedContinuation { read in writing.async { read.resume(returning: files.requests) } }
            for (file, keys) in requests {
                let released = quarantine.release { suspect in keys.contains { $0.isSame(as: suspect.key) } }
                for suspect in released { log.notice("\(suspect.key.text) is released") }
                // Behind what is written of the release: the queue keeps the order.
                writing.async { unlink(file) }
            }
        }
    }

    private func tell(_ suspect: Suspects.Suspect, _ client: any Client, _ recorder: EventRecorder) async {
        let key = suspect.key
        log.error("\(key.text) is put aside: \(suspect.reason)")
        let namespace = key.namespace.isEmpty ? nil : key.namespace
        guard !key.name.isEmpty, let object = try? await client.get(key.resource, namespace: namespace, name: key.name) else { return }
        recorder.event(
            about: object.value, .warning, reason: "Quarantined",
            message:
                "\(key.work) passes it over, since it was in hand at \(suspect.crashes.count) crashes (\(suspect.reason)); a change gives it another try, and so does `apus release \(key.resource.resource) \(namespace.map { "\($0)/" } ?? "")\(key.name)`"
        )
    }
}
