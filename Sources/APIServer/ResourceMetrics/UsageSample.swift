import APIModel

/// What one node and its containers had used up at one moment, as the kubelet's `/stats/summary` says. No clock, no API.
struct UsageSample: Sendable, Equatable {
    struct Usage: Sendable, Equatable {
        /// Time on a processor, in nanoseconds since it began.
        var processor: Whole
        /// In bytes.
        var memory: Whole
        /// Nanoseconds since 1970.
        var time: Whole
    }

    var node: Usage
    /// By the Pod's uid and the container's name.
    var pods: [String: [String: Usage]] = [:]

    var time: Whole { node.time }

    /// `nil` for what says nothing of the node.
    init?(_ summary: Value) {
        guard let node = Self.usage(summary["node"]) else { return nil }
        self.node = node
        for pod in summary["pods"].elements {
            guard let uid = pod["podRef"]["uid"].string else { continue }
            for container in pod["containers"].elements {
                guard let name = container["name"].string, let usage = Self.usage(container) else { continue }
                pods[uid, default: [:]][name] = usage
            }
        }
    }

    private static func usage(_ part: Value) -> Usage? {
        guard let processor = part["cpu"]["usageCoreNanoSeconds"].int, let memory = part["memory"]["workingSetBytes"].int,
            let time = Timestamp.parse(part["cpu"]["time"].string ?? "")
        else { return nil }
        return Usage(processor: processor, memory: memory, time: time.seconds * 1_000_000_000 + Whole(time.nanos))
    }
}

/// What something used between two looks.
struct UsageRate: Sendable, Equatable {
    /// In billionths of a processor.
    var processor: Whole
    var memory: Whole
    /// The second look.
    var time: Whole
    /// Between the two, in nanoseconds.
    var window: Whole

    /// `nil` where too little time passed, or what counts began anew.
    init?(_ before: UsageSample.Usage?, _ after: UsageSample.Usage) {
        guard let before, after.processor >= before.processor, after.time - before.time >= 1_000_000 else { return nil }
        (memory, time, window) = (after.memory, after.time, after.time - before.time)
        processor = (after.processor - before.processor) * 1000 / (window / 1_000_000)
    }

    var usage: Value { ["cpu": .string("\(processor)n"), "memory": .string("\(memory / 1024)Ki")] }
    var timestamp: Value { .string(Timestamp.format(seconds: time / 1_000_000_000)) }
    /// As Go writes a duration.
    var windowText: Value {
        let (seconds, thousandths) = (window / 1_000_000_000, window / 1_000_000 % 1000)
        guard thousandths != 0 else { return .string("\(seconds)s") }
        return .string("\(seconds).\(String("\(thousandths + 1000)".dropFirst()))s")
    }
}
