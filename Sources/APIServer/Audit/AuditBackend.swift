import Logging

/// Where audit events go: to what keeps them, in the way that was configured. Safe from any task; `run` once.
final class AuditBackend: Sendable {
    /// What became of an event.
    enum Receipt: Sendable {
        /// Nobody has to wait for it.
        case taken
        case lost
        /// It is being kept, which the answer waits for.
        case begun(AuditLog.Ticket)
    }

    private let sink: any AuditSink
    private let delivery: AuditConfiguration.Delivery
    private let metrics: AuditMetrics
    private let queue: AuditQueue

    init(_ sink: any AuditSink, _ delivery: AuditConfiguration.Delivery, _ metrics: AuditMetrics) {
        self.sink = sink
        self.delivery = delivery
        self.metrics = metrics
        queue = AuditQueue(limit: delivery.batching.bufferSize)
    }

    func put(_ event: AuditEvent) async -> Receipt {
        switch delivery.mode {
        case .batch:
            if !queue.put(event) { metrics.lost(1, by: "buffered") }
            return .taken
        case .blocking:
            guard let encoded = encoded(event) else { return .taken }
            if let ticket = sink.begin(encoded) { return .begun(ticket) }
            try? await sink.write([encoded])
            return .taken
        case .blockingStrict:
            // What is too large is lost without blame, as upstream does it.
            guard let encoded = encoded(event) else { return .taken }
            do {
                try await sink.write([encoded])
                return .taken
            } catch {
                return .lost
            }
        }
    }

    /// Keeps what is gathered, until the task is cancelled and nothing is left.
    func run() async {
        guard delivery.mode == .batch else { return await sink.settle() }
        var pace = AuditPace(delivery.batching.throttle)
        await withTaskCancellationHandler {
            while let events = await queue.take(upTo: delivery.batching.maxSize, patience: delivery.batching.maxWait) {
                let wait = pace.next(at: MonotonicTime.now())
                if wait > .zero { try? await Task.sleep(for: wait) }
                // A task of its own: what is there is kept after this one was cancelled, too.
                await Task { for batch in batches(events) { try? await sink.write(batch) } }.value
            }
        } onCancel: {
            queue.close()
        }
    }

    // MARK: Sizes

    /// `nil` for an event that is lost, since it is too large.
    private func encoded(_ event: AuditEvent) -> [UInt8]? {
        let whole = sink.encode(event)
        guard let limit = delivery.truncation?.maxEventSize, whole.count > limit else { return whole }
        if event.subject.level >= .request {
            let part = sink.encode(event.truncated)
            if part.count <= limit { return part }
        }
        metrics.lost(1, by: "truncate")
        return nil
    }

    private func batches(_ events: [AuditEvent]) -> [[[UInt8]]] {
        let encoded = events.compactMap(encoded)
        guard let limit = delivery.truncation?.maxBatchSize else { return encoded.isEmpty ? [] : [encoded] }
        var batches: [[[UInt8]]] = []
        var size = 0
        for event in encoded {
            if batches.isEmpty || size + event.count > limit {
                batches.append([])
                size = 0
            }
            batches[batches.count - 1].append(event)
            size += event.count
        }
        return batches
    }
}

/// When the next batch may go. A value without clock.
struct AuditPace {
    private let throttle: AuditConfiguration.Throttle?
    private var left: Double
    private var last: Duration?

    init(_ throttle: AuditConfiguration.Throttle?) {
        self.throttle = throttle
        left = Double(throttle?.burst ?? 0)
    }

    /// How long to wait for it, which is taken to be done.
    mutating func next(at now: Duration) -> Duration {
        guard let throttle, throttle.perSecond > 0 else { return .zero }
        if let last { left = min(Double(throttle.burst), left + (now - last) / .seconds(1) * throttle.perSecond) }
        last = now
        left -= 1
        return left >= 0 ? .zero : .seconds(-left / throttle.perSecond)
    }
}
