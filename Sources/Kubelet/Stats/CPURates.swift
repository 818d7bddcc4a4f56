import APIModel
import Synchronization

/// How much CPU is in use right now, from how the time used grew between two looks. Safe from any task.
final class CPURates: Sendable {
    private struct Sample {
        var time: Whole
        var used: Whole
        /// As it was at that look.
        var rate: Whole?
    }

    private let samples = Mutex<[String: Sample]>([:])

    /// Looks closer together than this say too little.
    private static let shortest: Whole = 500_000_000

    /// In billionths of a CPU; `nil` at the first look. Times are in nanoseconds.
    func rate(of id: String, used: Whole?, at time: Whole) -> Whole? {
        guard let used else { return nil }
        return samples.withLock { samples in
            guard let last = samples[id] else {
                samples[id] = Sample(time: time, used: used)
                return nil
            }
            let passed = time - last.time
            guard passed >= Self.shortest else { return last.rate }
            // A container that started again counts from zero.
            let rate = used < last.used ? nil : (used - last.used) * 1000 / (passed / 1_000_000)
            samples[id] = Sample(time: time, used: used, rate: rate)
            return rate
        }
    }

    /// Forgets all but these.
    func keep(_ ids: Set<String>) { samples.withLock { $0 = $0.filter { ids.contains($0.key) } } }
}
