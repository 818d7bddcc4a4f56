internal import Glibc
internal import Logging
internal import Synchronization

/// The end of a process that plays roles: first its roles, then step by step what they used. Each is waited for a while, and then left
/// behind, so that the whole takes no longer than `bound`.
final class Shutdown: Sendable {
    struct Step: Sendable {
        /// What is waited for, as people read it.
        var name: String
        var body: @Sendable () async -> Void
    }

    /// For all roles together.
    static let rolesPatience = Duration.seconds(10)
    /// For each step after them.
    static let stepPatience = Duration.seconds(5)
    /// For everything. There are no more than two steps.
    static let bound = rolesPatience + stepPatience * 2

    private let parts: Parts
    private let steps: [Step]
    /// Where it stands what is waited for, for whoever waits for this process.
    private let file: String?
    private let log: Logger
    private let areRolesOver = Atomic<Bool>(false)
    private let isAbandoning = Atomic<Bool>(false)

    init(_ parts: Parts, steps: [Step], file: String?, log: Logger) {
        self.parts = parts
        self.steps = steps
        self.file = file
        self.log = log
    }

    /// The roles were told to end. Should they not, the process ends without them, with this exit code.
    func begin(exitCode: Int32) {
        log.notice("stopping, within \(Text.duration(Self.bound))")
        // Owned by the process, which it ends unless the roles end first.
        Task.detached { [self] in
            let end = ContinuousClock.now + Self.rolesPatience
            var told = ""
            while ContinuousClock.now < end {
                try? await Task.sleep(for: .milliseconds(told.isEmpty ? 500 : 100))
                guard !areRolesOver.load(ordering: .acquiring) else { return }
                let names = parts.names.joined(separator: ", ")
                if names != told { tell("waiting for \(names)") }
                told = names
            }
            // From here on the roles' own end changes nothing.
            guard isAbandoning.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else { return }
            log.error("left behind after \(Text.duration(Self.rolesPatience)): \(parts.names.joined(separator: ", "))")
            await takeSteps()
            _exit(exitCode)
        }
    }

    /// The roles have ended: returns when everything has.
    func finish() async {
        areRolesOver.store(true, ordering: .releasing)
        guard isAbandoning.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged else {
            // Too late: the process is about to end.
            while true { try? await Task.sleep(for: .seconds(60)) }
        }
        await takeSteps()
    }

    private func takeSteps() async {
        for step in steps {
            let begin = ContinuousClock.now
            guard await !Self.isDone(step.body, within: Self.stepPatience, late: { self.tell("waiting for \(step.name)") }) else {
                continue
            }
            log.error("left behind after \(Text.duration(.now - begin)): \(step.name)")
        }
        if let file { unlink(file) }
    }

    private func tell(_ sentence: String) {
        log.notice("\(sentence)")
        guard let file else { return }
        let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { return }
        _ = write(descriptor, sentence, sentence.utf8.count)
        close(descriptor)
    }

    /// Whether `body` ended in time. One that did not goes on, unobserved.
    private static func isDone(
        _ body: @escaping @Sendable () async -> Void, within patience: Duration, late: @escaping @Sendable () -> Void
    ) async -> Bool {
        let (words, word) = AsyncStream.makeStream(of: Bool?.self)
        let work = Task.detached {
            await body()
            word.yield(true)
        }
        let clock = Task.detached {
            try? await Task.sleep(for: .milliseconds(500))
            word.yield(nil)
            try? await Task.sleep(for: patience)
            word.yield(false)
        }
        defer {
            work.cancel()
            clock.cancel()
        }
        for await word in words {
            if let word { return word }
            late()
        }
        return false
    }
}

/// The tasks of a process that run until it is to end, by name, so that one that does not end can be told.
struct Parts: Sendable {
    private let running: Running

    private final class Running: Sendable {
        let counts = Mutex<[String: Int]>([:])
    }

    init() { running = Running() }

    /// Which still run, in order of the alphabet.
    var names: [String] { running.counts.withLock { $0.keys.sorted() } }

    func begin(_ name: String) { running.counts.withLock { $0[name, default: 0] += 1 } }

    func end(_ name: String) {
        running.counts.withLock { counts in
            let count = counts[name, default: 0] - 1
            counts[name] = count > 0 ? count : nil
        }
    }
}

/// A task group whose tasks have names.
struct RoleGroup {
    fileprivate(set) var group: ThrowingTaskGroup<Void, any Error>
    let parts: Parts

    init(_ group: ThrowingTaskGroup<Void, any Error>, _ parts: Parts) {
        self.group = group
        self.parts = parts
    }

    /// Adds a task that works until it is cancelled; when it throws the process ends.
    mutating func add(_ name: String, _ body: @escaping @Sendable () async throws -> Void) {
        parts.begin(name)
        group.addTask { [parts] in
            defer { parts.end(name) }
            try await body()
        }
    }
}
