internal import Synchronization

/// How often what took how long: a log-linear histogram of nanoseconds with eight steps for every power of two, so that a percentile is at
/// most an eighth too high. Adding is one atomic addition.
final class Histogram: @unchecked Sendable {
    // Sendable because the counts are atomic and the memory lives as long as the histogram.
    private let counts: UnsafeMutablePointer<Atomic<UInt64>>

    private static let steps = 8
    private static let stepBits = 3
    /// 18 minutes; what took longer counts as that.
    private static let largest: UInt64 = (1 << 40) - 1
    static let size = bucket(of: largest) + 1

    init() {
        counts = .allocate(capacity: Self.size)
        for index in 0..<Self.size { (counts + index).initialize(to: Atomic(0)) }
    }

    deinit {
        counts.deinitialize(count: Self.size)
        counts.deallocate()
    }

    func add(_ nanoseconds: UInt64) { counts[Self.bucket(of: nanoseconds)].wrappingAdd(1, ordering: .relaxed) }

    var snapshot: Snapshot { Snapshot(counts: (0..<Self.size).map { counts[$0].load(ordering: .relaxed) }) }

    static func bucket(of nanoseconds: UInt64) -> Int {
        let value = min(nanoseconds, largest)
        guard value >= steps else { return Int(value) }
        let exponent = 63 - value.leadingZeroBitCount
        return (exponent - stepBits + 1) * steps + Int(value >> UInt64(exponent - stepBits)) & (steps - 1)
    }

    /// The largest value that a bucket counts.
    static func upperBound(of bucket: Int) -> UInt64 {
        guard bucket >= steps else { return UInt64(bucket) }
        let (row, step) = (bucket / steps, bucket % steps)
        let width: UInt64 = 1 << UInt64(row - 1)
        return UInt64(steps + step) * width + width - 1
    }

    /// The counts of one moment.
    struct Snapshot: Sendable {
        private(set) var counts: [UInt64]

        static let empty = Snapshot(counts: [UInt64](repeating: 0, count: Histogram.size))

        var total: UInt64 { counts.reduce(0, +) }

        /// The time that this part of all calls did not exceed; `nil` without any call.
        func percentile(_ part: Double) -> Duration? {
            let total = total
            guard total > 0 else { return nil }
            let rank = max(1, UInt64((Double(total) * part).rounded(.up)))
            var seen: UInt64 = 0
            for (index, count) in counts.enumerated() {
                seen += count
                if seen >= rank { return .nanoseconds(Int64(Histogram.upperBound(of: index))) }
            }
            return nil
        }

        static func + (left: Snapshot, right: Snapshot) -> Snapshot { Snapshot(counts: zip(left.counts, right.counts).map(+)) }
    }
}
