import APIModel

/// Runs one probe of one container until cancelled. Upstream: `prober/worker.go`.
struct ProbeRunner: Sendable {
    let kind: ProbeKind
    let pod: Pod
    let container: Value
    /// The container's id in the runtime.
    let id: String
    /// When it started, in nanoseconds since 1970.
    let startedAt: Whole
    let host: String
    let handler: Handler
    let events: any EventSink
    let userAgent: String
    let counts: ProbeCounts

    /// How often one that cannot be asked is asked again at once. Upstream's.
    private static let tries = 3

    private func ask(_ spec: Value, _ timeout: Whole) async -> Handler.Outcome {
        var outcome = Handler.Outcome.success
        for _ in 0..<Self.tries where !Task.isCancelled {
            outcome = await handler.run(spec, container: container, id: id, host: host, timeout: timeout, userAgent: userAgent)
            guard case .error = outcome else { return outcome }
        }
        return outcome
    }

    /// Tells `report` each time the result changes.
    func run(_ report: @Sendable (Bool) async -> Void) async {
        let spec = container[kind.field]
        var state = ProbeState(kind: kind, spec: spec)
        let period = max(spec["periodSeconds"].seconds ?? 10, 1)
        let timeout = max(spec["timeoutSeconds"].seconds ?? 1, 1)
        let wait = startedAt + (spec["initialDelaySeconds"].seconds ?? 0) * 1_000_000_000 - Clock.nanoseconds()
        if wait > 0 { try? await Task.sleep(for: .nanoseconds(wait)) }
        while !Task.isCancelled {
            let next = ContinuousClock.now + .seconds(period)
            let outcome = await ask(spec, timeout)
            if Task.isCancelled { return }
            counts.note(outcome, kind, of: container.name, in: pod)
            switch outcome {
            case .success, .warning:
                if case .warning(let message) = outcome {
                    events.container(pod, container, .warning, "ProbeWarning", "\(kind.rawValue) probe warning: \(message)")
                }
                if state.observe(true) { await report(true) }
            case .failure(let message):
                events.container(pod, container, .warning, "Unhealthy", "\(kind.rawValue) probe failed: \(message)")
                if state.observe(false) { await report(false) }
            case .error(let message):
                // Not the container's fault, so it does not count.
                events.container(
                    pod, container, .warning, "Unhealthy", "\(kind.rawValue) probe errored and resulted in unknown state: \(message)")
            }
            try? await Task.sleep(until: next, clock: .continuous)
        }
    }
}
