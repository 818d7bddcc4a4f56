import Glibc
import Logging

/// The one thread that writes: takes everything that waits, commits it as one transaction, publishes it, answers.
final class Writer {
    /// How long nothing has to happen before the log is emptied.
    private static let patience = Duration.seconds(5)
    /// Seconds between the rounds that give up old history and unused pages, also of a store that is never quiet.
    private static let upkeepInterval = 30

    private let intake: Intake
    private let memory: Memory
    private let engine: Engine
    private let options: Options
    private let log: Logger

    /// Starts the thread. It ends, and closes the engine, after `Intake.stop`.
    static func start(intake: Intake, memory: Memory, engine: Engine, options: Options, log: Logger) throws(StoreError) {
        let writer = Unmanaged.passRetained(Writer(intake: intake, memory: memory, engine: engine, options: options, log: log))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Writer>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, writer.toOpaque())
        guard code == 0 else {
            writer.release()
            throw StoreError(code: .engine, message: "cannot start the store's writer thread: \(String(cString: strerror(code)))")
        }
        pthread_detach(thread)
    }

    private init(intake: Intake, memory: Memory, engine: Engine, options: Options, log: Logger) {
        self.intake = intake
        self.memory = memory
        self.engine = engine
        self.options = options
        self.log = log
    }

    private func run() {
        var isTidy = false
        var lastUpkeep = Self.now()
        while let writes = intake.take(patience: Self.patience, gathering: options.groupDelay) {
            let now = Self.now()
            if !writes.isEmpty {
                write(writes)
                isTidy = false
            } else if !isTidy {
                engine.emptyLog()
                isTidy = true
            }
            if now - lastUpkeep >= Self.upkeepInterval {
                memory.trim(now: now)
                engine.shrink()
                lastUpkeep = now
            }
        }
        engine.close()
        memory.close()
        intake.finish()
    }

    private func write(_ writes: [Write]) {
        do throws(StoreError) {
            try engine.commit(writes)
            memory.publish(writes, now: Self.now())
            intake.succeed(writes)
            engine.checkpointIfDue()
        } catch {
            log.error("a commit failed", metadata: ["writes": "\(writes.count)", "error": "\(error)"])
            intake.fail(writes, error)
        }
    }

    /// Monotonic seconds.
    private static func now() -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC_COARSE, &now)
        return now.tv_sec
    }
}
