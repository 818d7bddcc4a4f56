internal import PluginAPI
internal import PluginHost
internal import Synchronization

/// What `filter` promises.
enum FilterChecks {
    static let all: [Check] = [
        Check(
            "filter/answers",
            "filter answers OK, UNSCHEDULABLE or UNRESOLVABLE for any number of Nodes; whatever is not OK comes with a sentence."
        ) {
            plugin in
            try await each(plugin) { slots, trial in
                let result = try trial.filter(slots)
                try PolicyAnswer.check(result.answer, "filter", trial.name, isPlain: trial.pod.name == PodSample.plain.name)
            }
        },
        Check("filter/only-clears", "filter clears bits and never sets one: neither of a Node that another policy refused, nor of a hole.")
        { plugin in
            try await each(plugin) { slots, trial in
                // Every third Node was refused before.
                var given = trial.table.present
                for node in 0..<trial.count where node % 3 == 1 { given[node / 64] &= ~(1 << (node % 64)) }
                let result = try trial.filter(slots, given: given)
                let set = Trial.nodes(zip(result.left, given).map { $0 & ~$1 })
                try expect(
                    set.isEmpty,
                    "filter set the bits of \(set.count) Nodes that were clear, the first of Node \(set.first ?? 0), for \(trial.name); combine with what is there: feasible[word] &= yours"
                )
            }
        },
        Check("filter/stays-inside", "filter writes only to the words that nodes->count needs.") { plugin in
            try await each(plugin) { slots, trial in
                try expect(
                    try !trial.filter(slots).isOutside,
                    "filter wrote before or after the \((trial.count + 63) / 64) words of `feasible` for \(trial.name); count words, not bytes, and none when there is no Node"
                )
            }
        },
        Check("filter/columns-unchanged", "The Node columns and the Pod are only read.") { plugin in
            try await each(plugin) { slots, trial in
                let before = trial.table.contents
                _ = try trial.filter(slots)
                _ = try trial.filter(slots, asksReasons: true)
                try expect(
                    trial.table.contents == before,
                    "filter wrote into the columns or the Pod that it was lent for \(trial.name); copy what you want to change")
            }
        },
        Check("filter/holes", "The values of a Node that is gone mean nothing: wild ones change no answer.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                for pod in PodSample.all {
                    let calm = Trial(NodeSample.cluster(65), pod: pod, for: slots)
                    let wild = Trial(NodeSample.cluster(65), pod: pod, junk: true, for: slots)
                    try expect(
                        try calm.filter(slots).left == wild.filter(slots).left,
                        "filter decides otherwise about \(calm.name) when the holes hold wild values; look at no column of a Node whose bit is clear"
                    )
                }
            }
        },
        Check("filter/repeats", "The same question gets the same answer.") { plugin in
            try await each(plugin) { slots, trial in
                let first = try trial.filter(slots)
                for _ in 0..<3 {
                    try expect(
                        try trial.filter(slots) == first,
                        "filter answered otherwise when asked again about \(trial.name); keep nothing between calls that changes a decision"
                    )
                }
            }
        },
        Check("filter/eight-threads", "Many threads may call at once, and each gets the answer that it would get alone.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                let trials = PodSample.all.map { Trial(NodeSample.cluster(200), pod: $0, for: slots) }
                let alone = try trials.map { try $0.filter(slots) }
                let wrong = try EightThreads.run { round in
                    let index = round % trials.count
                    return try trials[index].filter(slots) == alone[index] ? nil : trials[index].name
                }
                try expect(
                    wrong == nil,
                    "filter answered otherwise about \(wrong ?? "") while other threads called it; guard or avoid what calls share")
            }
        },
        Check(
            "filter/reasons",
            "When reasons are asked for, every Node whose bit filter clears gets one, no other Node does, and the decision is the same."
        ) { plugin in
            let refused = Seen()
            try await each(plugin) { slots, trial in
                let silent = try trial.filter(slots)
                let spoken = try trial.filter(slots, asksReasons: true)
                guard silent.answer.status == APUS_OK else { return }
                try expect(spoken.left == silent.left, "filter decides otherwise about \(trial.name) when reasons are asked for")
                let refusedSet = zip(spoken.given, spoken.left).map { $0 & ~$1 }
                var explained = [UInt64](repeating: 0, count: refusedSet.count)
                for reason in spoken.reasons {
                    try expect(!reason.text.isEmpty, "filter gave an empty reason for \(trial.name)")
                    try expect(
                        [APUS_UNSCHEDULABLE, APUS_UNRESOLVABLE].contains(reason.verdict),
                        "filter gave the verdict \(statusName(reason.verdict)) for \(trial.name); it is UNSCHEDULABLE where Pods that go could help, else UNRESOLVABLE"
                    )
                    for word in refusedSet.indices { explained[word] |= reason.nodes[word] }
                }
                let silentlyRefused = Trial.nodes(zip(refusedSet, explained).map { $0 & ~$1 })
                try expect(
                    silentlyRefused.isEmpty,
                    "filter refused \(silentlyRefused.count) Nodes without a reason for \(trial.name), the first is Node \(silentlyRefused.first ?? 0); call reasons->add with a set that has its bit"
                )
                let wrongly = Trial.nodes(zip(explained, refusedSet).map { $0 & ~$1 })
                try expect(
                    wrongly.isEmpty,
                    "filter gave a reason for \(wrongly.count) Nodes that it did not refuse for \(trial.name), the first is Node \(wrongly.first ?? 0)"
                )
                if refusedSet.contains(where: { $0 != 0 }) { refused.note() }
            }
            guard refused.isNoted else { throw NotOffered("it refused no Node of all that were tried") }
        },
    ]

    /// Every sort of Pod on a few Nodes, and a plain one on none, one, and numbers around the size of a word and far beyond.
    static func each(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (PolicySlots, Trial) throws -> Void) async throws {
        try await PolicySlots.with(plugin) { slots in
            for count in [0, 1, 64, 65, 5000] { try body(slots, Trial(NodeSample.cluster(count), pod: .plain, for: slots)) }
            for pod in PodSample.all { try body(slots, Trial(NodeSample.cluster(65), pod: pod, for: slots)) }
        }
    }
}

/// Calls from eight threads at once.
enum EightThreads {
    /// Calls `body` four hundred times with the round's number, and returns the first text it returned; `nil` when there is none.
    static func run(_ body: @escaping @Sendable (Int) throws -> String?) throws -> String? {
        let gate = Barrier()
        let found = Mutex<Result<String?, any Error>>(.success(nil))
        for thread in 0..<8 {
            startThread(name: "conformance-\(thread)") {
                gate.arrive()
                gate.wait(for: 8)
                for round in 0..<50 {
                    let result = Result { try body(thread * 50 + round) }
                    if case .success(nil) = result { continue }
                    found.withLock { $0 = result }
                    break
                }
                gate.arrive()
            }
        }
        gate.wait(for: 16)
        return try found.withLock { $0 }.get()
    }
}
