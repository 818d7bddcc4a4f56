import Glibc
import Logging

/// The one thread that writes: takes everything that waits, has it committed together, and answers once readers see it.
final class Writer {
    /// How long nothing has to happen to be called quiet.
    private static let patience = Duration.seconds(5)
    /// Between the rounds that give up old history, also of a store that is never quiet.
    private static let upkeepInterval = Duration.seconds(30)

    private let intake: Intake
    private let memory: Memory
    private let engine: any Engine
    private let options: Options
    private let log: Logger

    /// Starts the thread. It ends, and closes the engine, after `Intake.stop`.
    static func start(intake: Intake, memory: Memory, engine: any Engine, options: Options, log: Logger) throws(StoreError) {
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

    private init(intake: Intake, memory: Memory, engine: any Engine, options: Options, log: Logger) {
        self.intake = intake
        self.memory = memory
        self.engine = engine
        self.options = options
        self.log = log
    }

    private func run() {
        var isTidy = false
        var lastUpkeep = MonotonicClock.now
        while let writes = intake.take(patience: Self.patience, gathering: options.groupDelay) {
            if !writes.isEmpty {
                write(writes)
                isTidy = false
            } else if !isTidy {
                engine.tend(.quiet)
                isTidy = true
            }
            let now = MonotonicClock.now
            if now - lastUpkeep >= Self.upkeepInterval {
                memory.trim()
                engine.tend(.regular)
                lastUpkeep = now
            }
        }
        engine.close()
        memory.close()
        intake.finish()
    }

    private func write(_ writes: [Write]) {
        do throws(StoreError) {
            let outcomes = try engine.commit(memory.mutations(writes))
            // A write that was refused is answered when what stood in its way can be read: tried again at once, it finds that.
            memory.whenReached(outcomes.reduce(0) { max($0, $1.revision) }) { [intake] in intake.settle(writes, outcomes) }
            engine.tend(.committed)
        } catch {
            log.error("a commit failed", metadata: ["writes": "\(writes.count)", "error": "\(error)"])
            intake.fail(writes, error)
        }
    }
}
