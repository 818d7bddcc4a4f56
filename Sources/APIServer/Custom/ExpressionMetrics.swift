import Exposition

/// How long the expressions in definitions and policies take, of all servers of the process together. Safe from any thread.
struct ExpressionMetrics: MetricsSource {
    static let shared = ExpressionMetrics()

    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    private let compilation = Durations("apiserver_cel_compilation_duration_seconds", "How long it took to compile.", bounds: bounds)
    private let evaluation = Durations("apiserver_cel_evaluation_duration_seconds", "How long it took to evaluate.", bounds: bounds)

    func compiling<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try timed(compilation, body)
    }

    func evaluating<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        try timed(evaluation, body)
    }

    private func timed<Result, Failure: Error>(_ durations: Durations, _ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        let begin = ContinuousClock.now
        defer { durations.add(duration: ContinuousClock.now - begin) }
        return try body()
    }

    func write(to text: inout MetricsText) {
        compilation.write(to: &text)
        evaluation.write(to: &text)
    }
}
