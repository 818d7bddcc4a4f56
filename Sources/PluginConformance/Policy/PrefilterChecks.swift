internal import PluginAPI

/// What `prefilter` promises.
enum PrefilterChecks {
    static let all: [Check] = [
        Check(
            "prefilter/answers",
            "prefilter looks at the Pod alone and answers OK, or UNSCHEDULABLE or UNRESOLVABLE with a sentence; also for a Pod without anything."
        ) { plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let prefilter = slots.prefilter else { throw NotOffered("the policy has no prefilter") }
                for pod in PodSample.all {
                    let table = SchedulingTable([], pod: pod)
                    let answer = prefilter(table.pod)
                    try PolicyAnswer.check(answer, "prefilter", "Pod \(pod.name)", isPlain: pod.name == PodSample.plain.name)
                    let again = prefilter(table.pod)
                    try expect(
                        answer == again,
                        "prefilter answered \(answer.description) for Pod \(pod.name), and \(again.description) when asked again")
                }
            }
        }
    ]
}

/// What a policy may answer.
enum PolicyAnswer {
    /// - Parameter isPlain: whether the Pod asks for nothing odd, so that a fault has no excuse.
    static func check(_ answer: Answer, _ slot: String, _ what: String, isPlain: Bool) throws {
        if answer.status == APUS_OK { return }
        try expect(
            !answer.bytes.isEmpty,
            "\(slot) answered \(answer.description) for \(what); write one sentence into the sink, it is all that the Pod's owner gets to see"
        )
        try expect(
            [APUS_UNSCHEDULABLE, APUS_UNRESOLVABLE].contains(answer.status) || !isPlain,
            "\(slot) answered \(answer.description) for \(what), which asks for nothing special; a fault ends the cycle of every Pod")
    }
}
