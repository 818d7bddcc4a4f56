internal import PluginAPI

/// What `permit`, `unreserve` and `observe` promise.
enum PermitChecks {
    static let all: [Check] = [
        Check(
            "permit/answers",
            "permit answers OK, WAIT with a time that is not below zero, UNSCHEDULABLE or UNRESOLVABLE; whatever is not OK comes with a sentence."
        ) { plugin in
            try await each(plugin) { permit, trial in
                let result = trial.permit(permit)
                if result.answer.status == APUS_WAIT {
                    try expect(!result.answer.bytes.isEmpty, "permit lets \(trial.name) wait; write into the sink what for")
                    try expect(
                        result.timeout >= 0,
                        "permit lets \(trial.name) wait for \(result.timeout) ms; leave the time alone for the longest there is")
                } else {
                    try PolicyAnswer.check(result.answer, "permit", trial.name, isPlain: trial.pod.name == PodSample.plain.name)
                }
            }
        },
        Check("permit/columns-unchanged", "The Node columns and the Pod are only read.") { plugin in
            try await each(plugin) { permit, trial in
                let before = trial.table.contents
                _ = trial.permit(permit)
                try expect(
                    trial.table.contents == before,
                    "permit wrote into the columns or the Pod that it was lent for \(trial.name); copy what you want to change")
            }
        },
        Check(
            "permit/again",
            "permit may be asked again about a Pod that waits, and says of it alone no more than before: a Pod is not counted twice."
        ) { plugin in
            try await each(plugin) { permit, trial in
                let first = trial.permit(permit).answer.status
                let second = trial.permit(permit).answer.status
                try expect(
                    first == second,
                    "permit answered \(first) and then \(second) for \(trial.name); a swap of another policy asks again, so note Pods by uid"
                )
            }
        },
        Check("unreserve/unknown", "unreserve takes a Pod that permit was not asked about, and says nothing of others.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let unreserve = slots.unreserve else { throw NotOffered("the policy has no unreserve") }
                try expect(unreserve("nobody").isEmpty, "unreserve decided about other Pods because of one that it does not know")
            }
        },
        Check("observe/any-object", "observe takes objects with anything in them, and one that goes without having come.") { plugin in
            try await PolicySlots.with(plugin) { slots in
                guard let observe = slots.observe else { throw NotOffered("the policy has no observe") }
                for text in ["{}", #"{"metadata":{"name":"a","uid":"u","annotations":{"k":"\"}{\\"},"labels":null},"spec":[],"status":7}"#]
                {
                    _ = observe("v1/nodes", "", text)
                    _ = observe("v1/nodes", text, text)
                    _ = observe("example.com/v1/things", text, "")
                    _ = observe("example.com/v1/things", text, "")
                }
            }
        },
    ]

    /// Every sort of Pod on the first of a few Nodes.
    private static func each(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (@escaping PolicySlots.Permit, Trial) throws -> Void)
        async throws
    {
        try await PolicySlots.with(plugin) { slots in
            guard let permit = slots.permit else { throw NotOffered("the policy has no permit") }
            for pod in PodSample.all { try body(permit, Trial(NodeSample.cluster(65), pod: pod, for: slots)) }
        }
    }
}

extension Trial {
    struct Permitted: Sendable {
        var answer: Answer
        var timeout: Int64
    }

    func permit(_ slot: PolicySlots.Permit) -> Permitted {
        let (answer, timeout) = slot(table.pod, table.nodes)
        return Permitted(answer: answer, timeout: timeout)
    }
}
