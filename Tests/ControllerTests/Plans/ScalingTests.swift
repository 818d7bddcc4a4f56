import APIModel
import PluginKit
import Testing

@testable import ControllerHorizontalPodAutoscaler

/// What holds an autoscaler back.
@Suite struct ScalingTests {
    private static let now: Whole = 1_800_000_000

    /// Pods and percent in so many seconds each, and the window; a zero is no policy.
    struct Rules: Sendable {
        var (pods, podsPeriod, percent, percentPeriod, window): (Int, Int, Int, Int, Int)

        init(_ pods: Int, _ podsPeriod: Int, _ percent: Int, _ percentPeriod: Int, _ window: Int) {
            (self.pods, self.podsPeriod, self.percent, self.percentPeriod) = (pods, podsPeriod, percent, percentPeriod)
            self.window = window
        }

        /// What the API fills in where an autoscaler says nothing for a direction.
        static let (up, down) = (Rules(4, 15, 100, 15, 0), Rules(0, 0, 100, 15, 300))

        var value: Value {
            let policies = [("Pods", pods, podsPeriod), ("Percent", percent, percentPeriod)].filter { $0.1 != 0 }
            return [
                "stabilizationWindowSeconds": Value(window), "selectPolicy": "Max",
                "policies": .array(policies.map { ["type": .string($0.0), "value": Value($0.1), "periodSeconds": Value($0.2)] }),
            ]
        }
    }

    /// Changes in the middles of as many equal parts of the last two minutes.
    private func changes(_ sizes: [Whole]) -> [Scaling.History.Entry] {
        let part = 120.0 / Double(max(1, sizes.count))
        return sizes.enumerated().map { index, size in
            .init(time: Self.now - Whole(120 - part * Double(index + 1) + part / 2), replicas: size)
        }
    }

    @Test(
        arguments: [
            (1...2000, Rules(0, 0, 1, 60, 0), nil, 3, 1000, "4 ScaleUpLimit"),
            (3...2000, nil, Rules(20, 60, 0, 0, 0), 1000, 3, "980 ScaleDownLimit"),
            (1...1000, nil, nil, 10, 50, "20 ScaleUpLimit"), (1...1000, Rules(100, 60, 100, 60, 0), nil, 10, 500, "110 ScaleUpLimit"),
            (1...1000, Rules(2, 60, 100, 60, 0), nil, 10, 500, "20 ScaleUpLimit"),
            (1...1000, Rules(100, 60, 0, 0, 0), nil, 10, 50, "50 DesiredWithinRange"),
            (1...1000, Rules(10000, 60, 0, 0, 0), nil, 10, 50, "50 DesiredWithinRange"),
            (1...1000, Rules(30, 60, 0, 0, 0), nil, 10, 50, "40 ScaleUpLimit"),
            (1...1000, Rules(0, 0, 200, 60, 0), nil, 10, 50, "30 ScaleUpLimit"),
            (1...1000, nil, Rules(20, 60, 1, 60, 300), 100, 2, "80 ScaleDownLimit"),
            (1...1000, nil, Rules(2, 60, 1, 60, 300), 100, 2, "98 ScaleDownLimit"),
            (1...1000, nil, Rules(100, 60, 0, 0, 300), 10, 0, "1 TooFewReplicas"),
            (5...1000, nil, Rules(0, 0, 100, 60, 300), 10, 2, "5 TooFewReplicas"),
            (1...1000, nil, Rules(5, 60, 0, 0, 300), 10, 2, "5 ScaleDownLimit"),
            (1...1000, nil, Rules(0, 0, 50, 60, 300), 10, 5, "5 DesiredWithinRange"), (3...8, nil, nil, 5, 7, "7 DesiredWithinRange"),
            (2...8, nil, nil, 3, 1, "2 TooFewReplicas"), (0...10, nil, nil, 1, 0, "0 DesiredWithinRange"),
            (1...10, nil, nil, 20, 1000, "10 TooManyReplicas"), (100...150, nil, nil, 100, 1000, "150 TooManyReplicas"),
        ] as [(ClosedRange<Int>, Rules?, Rules?, Whole, Whole, String)])
    func rules(bounds: ClosedRange<Int>, up: Rules?, down: Rules?, current: Whole, wanted: Whole, expected: String) {
        #expect(paced(bounds, up, [], down, [], current, wanted) == expected)
    }

    @Test func whatWasNotedBeforeTheClockWasSetBackSaysNothing() {
        var history = Scaling.History()
        history.note(recommendation: 9, now: Self.now + 7200)
        let scaling = Scaling(behavior: .null, least: 1, most: 10, current: 9, history: history, now: Self.now)
        #expect(scaling.result(for: 2).replicas == 2)
        history.note(recommendation: 2, now: Self.now)
        #expect(history.recommendations.map(\.replicas) == [2])
    }

    /// What was changed lately counts from where it began.
    @Test(
        arguments: [
            (1...200, Rules(300, 60, 0, 0, 0), [1, 5, 9], nil, [], 100, 500, "200 TooManyReplicas"),
            (1...200, Rules(0, 0, 10000, 60, 0), [1, 5, 9], nil, [], 100, 500, "200 TooManyReplicas"),
            (1...1000, Rules(5, 120, 0, 0, 0), [1, 5, 9], nil, [], 100, 500, "100 ScaleUpLimit"),
            (1...1000, Rules(150, 120, 0, 0, 0), [1, 5, 9], nil, [], 100, 500, "235 ScaleUpLimit"),
            (1...1000, Rules(0, 0, 200, 120, 0), [1, 5, 9], nil, [], 100, 500, "255 ScaleUpLimit"),
            (1...1000, Rules(0, 0, 300, 300, 0), [4], nil, [2], 6, 24, "16 ScaleUpLimit"),
            (1...1000, nil, [], nil, [1, 5, 9], 10, 5, "5 DesiredWithinRange"),
            (1...1000, nil, [], Rules(115, 120, 0, 0, 300), [1, 5, 9], 100, 0, "1 TooFewReplicas"),
            (5...1000, nil, [], Rules(130, 120, 0, 0, 300), [1, 5, 9], 100, 0, "5 TooFewReplicas"),
            (5...1000, nil, [], Rules(0, 0, 100, 120, 300), [1, 5, 9], 100, 2, "5 TooFewReplicas"),
            (1...1000, nil, [], Rules(5, 120, 0, 0, 300), [1, 5, 9], 100, 2, "100 ScaleDownLimit"),
            (1...1000, nil, [], Rules(0, 0, 50, 120, 300), [2, 4, 6], 100, 0, "56 ScaleDownLimit"),
            (1...1000, nil, [2], Rules(0, 0, 50, 180, 0), [4], 10, 1, "6 ScaleDownLimit"),
            (1...1000, nil, [], Rules(0, 0, 10, 120, 300), [10, 10, 10], 100, 0, "100 ScaleDownLimit"),
            (1...1000, nil, [], Rules(0, 0, 1000, 120, 300), [10, 10, 10], 10, 5, "5 DesiredWithinRange"),
            (1...1000, Rules(1000, 60, 0, 0, 0), [8, 12, 9, 11], nil, [], 100, 200, "200 DesiredWithinRange"),
            (1...1000, Rules(1000, 120, 100, 60, 0), [8, 12, 9, 11], nil, [], 100, 200, "200 DesiredWithinRange"),
            (1...1000, Rules(1000, 30, 100, 60, 0), [8, 12, 9, 11], nil, [], 100, 200, "200 DesiredWithinRange"),
            (1...1000, nil, [], Rules(1000, 60, 0, 0, 300), [8, 12, 9, 11], 100, 5, "5 DesiredWithinRange"),
            (1...1000, nil, [], Rules(1000, 30, 100, 60, 300), [8, 12, 9, 11], 100, 5, "5 DesiredWithinRange"),
        ] as [(ClosedRange<Int>, Rules?, [Whole], Rules?, [Whole], Whole, Whole, String)])
    func changesCount(
        bounds: ClosedRange<Int>, up: Rules?, ups: [Whole], down: Rules?, downs: [Whole], current: Whole, wanted: Whole, expected: String
    ) {
        #expect(paced(bounds, up, ups, down, downs, current, wanted) == expected)
    }

    /// The pace alone: nothing was recommended before.
    private func paced(
        _ bounds: ClosedRange<Int>, _ up: Rules?, _ ups: [Whole], _ down: Rules?, _ downs: [Whole], _ current: Whole, _ wanted: Whole
    ) -> String {
        let behavior: Value = ["scaleUp": (up ?? .up).value, "scaleDown": (down ?? .down).value]
        let scaling = Scaling(
            behavior: behavior, least: Whole(bounds.lowerBound), most: Whole(bounds.upperBound), current: current,
            history: .init(ups: changes(ups), downs: changes(downs)), now: Self.now)
        let result = scaling.result(for: wanted)
        return "\(result.replicas) \(result.limit.reason)"
    }

    /// Recommendations by the minutes since, the windows in seconds, and what comes of it.
    @Test(
        arguments: [
            ([], 100, 5, 0, 0, 5), ([(2, 4), (1, 5)], 100, 3, 0, 180, 5), ([(2, 4), (1, 5)], 1, 7, 300, 0, 4),
            ([(2, 1), (1, 2)], 100, 3, 300, 0, 3),
            ([(2, 4), (1, 5)], 1, 3, 0, 300, 3), ([(10, 10), (9, 9)], 100, 3, 0, 0, 3), ([(10, 10), (9, 9)], 1, 100, 0, 0, 100),
            ([(10, 10), (1, 4), (2, 5), (9, 9)], 100, 3, 0, 180, 5), ([(100, 10), (1, 6), (2, 5), (3, 9)], 1, 100, 300, 0, 5),
            ([(100, 2), (3, 3)], 2, 1, 300, 300, 2), ([(100, 2), (3, 1)], 2, 3, 300, 300, 2),
        ] as [([(Whole, Whole)], Whole, Whole, Int, Int, Whole)])
    func windows(recommended: [(Whole, Whole)], current: Whole, wanted: Whole, up: Int, down: Int, expected: Whole) {
        let free = Rules(1000, 60, 0, 0, 0)
        var (rising, falling) = (free, free)
        (rising.window, falling.window) = (up, down)
        let scaling = Scaling(
            behavior: ["scaleUp": rising.value, "scaleDown": falling.value], least: 0, most: 1000, current: current,
            history: .init(recommendations: recommended.map { .init(time: Self.now - $0.0 * 60, replicas: $0.1) }), now: Self.now)
        #expect(scaling.result(for: wanted).replicas == expected)
    }
}
