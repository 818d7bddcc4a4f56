internal import APIServer
internal import ArgumentParser
internal import HTTPServer

/// How many requests are served at a time, and who waits for whom. Names are upstream's.
struct FlowControlOptions: ParsableArguments {
    @Option(
        help:
            "Tell requests apart by FlowSchemas and let them wait by priority; false bounds those that read and those that write by number."
    )
    var enablePriorityAndFairness = true

    @Option(
        name: .customLong("max-requests-inflight"),
        help:
            "How many requests that read are served at a time; 0 for no bound. With priority and fairness, this and --max-mutating-requests-inflight are the seats of all priority levels together."
    )
    var maxRequestsInFlight = 400

    @Option(name: .customLong("max-mutating-requests-inflight"), help: "How many requests that write are served at a time; 0 for no bound.")
    var maxMutatingRequestsInFlight = 200

    func validate() throws {
        for (flag, number) in [
            ("--max-requests-inflight", maxRequestsInFlight), ("--max-mutating-requests-inflight", maxMutatingRequestsInFlight),
        ] where !(0...1_000_000).contains(number) {
            throw ValidationError("\(flag): \(number) is not a number from 0 to 1000000")
        }
        guard !enablePriorityAndFairness || maxRequestsInFlight + maxMutatingRequestsInFlight > 0 else {
            throw ValidationError(
                "--max-requests-inflight and --max-mutating-requests-inflight are both 0: with --enable-priority-and-fairness there must be seats"
            )
        }
    }

    func apply(to configuration: inout APIServer.Configuration) {
        configuration.hasPriorityAndFairness = enablePriorityAndFairness
        configuration.limits.reads = maxRequestsInFlight
        configuration.limits.writes = maxMutatingRequestsInFlight
    }
}
