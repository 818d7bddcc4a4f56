internal import PluginAPI
internal import PluginHost

/// What `less` and `prebind` promise.
enum QueueChecks {
    static let all: [Check] = [
        Check(
            "less/strict-order",
            "less is a strict order: never of a Pod and itself, not both ways round, and what comes before the former comes before the latter."
        ) {
            plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let less = slots.less else { throw NotOffered("the policy has no less") }
                let pods = QueueSample.all
                var table: [[Bool]] = []
                for left in pods { table.append(try pods.map { try isLess(less, left, $0) }) }
                for (a, left) in pods.enumerated() {
                    try expect(!table[a][a], "less says that \(left.pod.name) comes before itself; answer 0 where two are as good")
                    for (b, right) in pods.enumerated() {
                        let names = "\(left.pod.name) and \(right.pod.name)"
                        try expect(!(table[a][b] && table[b][a]), "less says of \(names) that each comes before the other")
                        try expect(
                            try isLess(less, left, right) == table[a][b], "less says otherwise when it is asked again about \(names)")
                        for (c, third) in pods.enumerated() where table[a][b] && table[b][c] {
                            try expect(
                                table[a][c],
                                "less puts \(left.pod.name) before \(right.pod.name) and that before \(third.pod.name), but not the first before the last"
                            )
                        }
                    }
                }
            }
        },
        Check("prebind/answers", "prebind answers for every Pod, twice, too; whatever is not OK comes with a sentence.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let prebind = slots.prebind else { throw NotOffered("the policy has no prebind") }
                for sample in QueueSample.all {
                    for _ in 0..<2 { try PolicyAnswer.check(prebind(sample, "node-0"), "prebind", sample.pod.name, isPlain: false) }
                }
            }
        },
        Check("prebind/eight-threads", "prebind is called for many Pods at once, and answers for each as if it were alone.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let prebind = slots.prebind else { throw NotOffered("the policy has no prebind") }
                let alone = QueueSample.all.map { prebind($0, "node-0").status }
                let wrong = try EightThreads.run { round in
                    let index = round % alone.count
                    return prebind(QueueSample.all[index], "node-0").status == alone[index] ? nil : QueueSample.all[index].pod.name
                }
                try expect(
                    wrong == nil,
                    "prebind answered otherwise for \(wrong ?? "") while other threads called it; guard or avoid what calls share")
            }
        },
    ]

    private static func isLess(_ less: PolicySlots.Less, _ left: QueueSample, _ right: QueueSample) throws -> Bool {
        let (answer, isLess) = less(left, right)
        try expect(
            answer.status == APUS_OK,
            "less answered \(answer.description) for \(left.pod.name) and \(right.pod.name); then PrioritySort decides, and the order is none"
        )
        try expect(isLess == 0 || isLess == 1, "less wrote \(isLess) for \(left.pod.name) and \(right.pod.name); write 1, or nothing")
        return isLess == 1
    }
}
