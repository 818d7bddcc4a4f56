import Testing

@testable import PluginHost

@Suite struct HistogramTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var values: [UInt64]
        var p50: Duration?
        var p99: Duration?
        var testDescription: String { "\(values.count) values, the first \(values.first ?? 0)" }
    }

    @Test(arguments: [
        Row(values: [], p50: nil, p99: nil),
        Row(values: [0], p50: .nanoseconds(0), p99: .nanoseconds(0)),
        Row(values: [7], p50: .nanoseconds(7), p99: .nanoseconds(7)),
        Row(values: [8], p50: .nanoseconds(8), p99: .nanoseconds(8)),
        // 16 and 17 share a bucket from here on.
        Row(values: [16], p50: .nanoseconds(17), p99: .nanoseconds(17)),
        Row(values: [1000], p50: .nanoseconds(1023), p99: .nanoseconds(1023)),
        Row(values: Array(repeating: 100, count: 99) + [1_000_000], p50: .nanoseconds(103), p99: .nanoseconds(103)),
        Row(values: Array(repeating: 100, count: 98) + [1_000_000, 1_000_000], p50: .nanoseconds(103), p99: .nanoseconds(1_048_575)),
        Row(values: [1, 2, 3, 4], p50: .nanoseconds(2), p99: .nanoseconds(4)),
        Row(values: [.max], p50: .nanoseconds((1 << 40) - 1), p99: .nanoseconds((1 << 40) - 1)),
    ])
    func percentiles(_ row: Row) {
        let histogram = Histogram()
        for value in row.values { histogram.add(value) }
        let snapshot = histogram.snapshot
        #expect(snapshot.total == UInt64(row.values.count))
        #expect(snapshot.percentile(0.5) == row.p50)
        #expect(snapshot.percentile(0.99) == row.p99)
    }

    @Test func everyBucketHoldsItsUpperBoundAndNothingBeyond() {
        for bucket in 0..<Histogram.size {
            #expect(Histogram.bucket(of: Histogram.upperBound(of: bucket)) == bucket)
            #expect(Histogram.bucket(of: Histogram.upperBound(of: bucket) + 1) == min(bucket + 1, Histogram.size - 1))
        }
    }

    @Test func twoAddUp() {
        let (left, right) = (Histogram(), Histogram())
        left.add(5)
        right.add(6)
        #expect((left.snapshot + right.snapshot).total == 2 && (left.snapshot + right.snapshot).percentile(1) == .nanoseconds(6))
    }
}
