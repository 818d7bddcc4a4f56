internal import PluginAPI

/// What `score` promises.
enum ScoreChecks {
    static let all: [Check] = [
        Check("score/answers", "score answers OK for any number of Nodes; whatever is not OK comes with a sentence.") { plugin in
            try await FilterChecks.each(plugin) { slots, trial in
                let result = try trial.score(slots)
                try PolicyAnswer.check(result.answer, "score", trial.name, isPlain: trial.pod.name == PodSample.plain.name)
            }
        },
        Check(
            "score/range",
            "On OK every Node whose bit is set has points from 0 to `most_points`, which is 100 where the table says nothing."
        ) { plugin in
            try await FilterChecks.each(plugin) { slots, trial in
                let result = try trial.score(slots)
                guard result.answer.status == APUS_OK else { return }
                for node in Trial.nodes(result.feasible) {
                    let points = result.points[node]
                    try expect(
                        points != Trial.unwritten,
                        "score gave Node \(node) no points for \(trial.name); write one for every Node whose bit is set")
                    try expect(
                        (0...max(0, slots.mostPoints)).contains(points),
                        "score gave Node \(node) \(points) points for \(trial.name); bring them between 0 and \(slots.mostPoints), the manifest's weight does the rest"
                    )
                }
            }
        },
        Check("score/only-on-ok", "Points are written only when the answer is OK.") { plugin in
            let refused = Seen()
            try await FilterChecks.each(plugin) { slots, trial in
                let result = try trial.score(slots)
                guard result.answer.status != APUS_OK else { return }
                refused.note()
                let written = result.points.filter { $0 != Trial.unwritten }.count
                try expect(
                    written == 0,
                    "score answered \(result.answer.description) for \(trial.name) after it had written the points of \(written) Nodes; find out first, then write"
                )
            }
            guard refused.isNoted else { throw NotOffered("it answered OK to all that was tried") }
        },
        Check("score/stays-inside", "score writes nodes->count points at most, and nothing into `feasible`.") { plugin in
            try await FilterChecks.each(plugin) { slots, trial in
                let result = try trial.score(slots)
                try expect(!result.isOutside, "score wrote before or after the \(trial.count) elements of `points` for \(trial.name)")
                try expect(
                    !result.changedFeasible, "score wrote into `feasible` for \(trial.name), which is const; refusing is filter's part")
            }
        },
        Check("score/columns-unchanged", "The Node columns and the Pod are only read.") { plugin in
            try await FilterChecks.each(plugin) { slots, trial in
                let before = trial.table.contents
                _ = try trial.score(slots)
                try expect(
                    trial.table.contents == before,
                    "score wrote into the columns or the Pod that it was lent for \(trial.name); copy what you want to change")
            }
        },
        Check("score/holes", "The values of a Node that is gone mean nothing: wild ones change no points.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                for pod in PodSample.all {
                    let calm = Trial(NodeSample.cluster(65), pod: pod, for: slots)
                    let wild = Trial(NodeSample.cluster(65), pod: pod, junk: true, for: slots)
                    let (left, right) = (try calm.score(slots), try wild.score(slots))
                    let differs = Trial.nodes(calm.table.present).first { left.points[$0] != right.points[$0] }
                    try expect(
                        differs == nil,
                        "score gives Node \(differs ?? 0) other points for \(calm.name) when the holes hold wild values; look at no column of a Node whose bit is clear"
                    )
                }
            }
        },
        Check("score/repeats", "The same question gets the same answer.") { plugin in
            try await FilterChecks.each(plugin) { slots, trial in
                let first = try trial.score(slots)
                for _ in 0..<3 {
                    try expect(
                        try trial.score(slots) == first,
                        "score gave other points when asked again about \(trial.name); keep nothing between calls that changes a decision")
                }
            }
        },
        Check("score/eight-threads", "Many threads may call at once, and each gets the answer that it would get alone.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                let trials = PodSample.all.map { Trial(NodeSample.cluster(200), pod: $0, for: slots) }
                let alone = try trials.map { try $0.score(slots) }
                let wrong = try EightThreads.run { round in
                    let index = round % trials.count
                    return try trials[index].score(slots) == alone[index] ? nil : trials[index].name
                }
                try expect(
                    wrong == nil,
                    "score gave other points for \(wrong ?? "") while other threads called it; guard or avoid what calls share")
            }
        },
    ]
}
