import APIModel

/// Jobs: labelled and selected by their own uid, unless they bring a selector.
struct JobStrategy: Strategy {
    func prepareForCreate(_ job: inout Value, _ target: Target, _ write: WriteContext) async throws {
        guard job[path: "spec", "manualSelector"].bool != true else { return }
        let (own, given) = (job["metadata"]["labels"], job[path: "spec", "template", "metadata", "labels"])
        for (label, value) in JobLabels.made(for: job) where given[label].isNull {
            job["spec"]["template"]["metadata"]["labels"][label] = .string(value)
        }
        // A Job without labels of its own has those of its Pods.
        if own.isEmpty || own == given { job["metadata"]["labels"] = job["spec"]["template"]["metadata"]["labels"] }
        if job["spec"]["selector"]["matchLabels"][JobLabels.controllerUID].isNull {
            job["spec"]["selector"]["matchLabels"][JobLabels.controllerUID] = job["metadata"]["uid"]
        }
    }
}

/// CronJobs: their names leave room for the time that their Jobs' names end with.
struct CronJobStrategy: Strategy {
    private static let longestName = 52

    func validate(_ cronJob: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        guard old == nil, target.name.utf8.count > Self.longestName else { return [] }
        return [.invalid("metadata.name", .string(target.name), "must be no more than \(Self.longestName) characters")]
    }
}
