import APIModel

/// StatefulSets, Jobs and CronJobs: beside what their pods are told of.
enum WorkloadWarnings {
    static let statefulSet: ObjectWarnings.Rule = { set, old in
        var warnings = ObjectWarnings.template(at: "spec", "template")(set, old)
        for (index, claim) in set["spec"]["volumeClaimTemplates"].elements.enumerated() {
            let path = FieldPath("spec.volumeClaimTemplates").index(index)
            // Upstream writes it so in updates.
            warnings += StorageWarnings.claimSpec(claim["spec"], at: old == nil ? path : path.child("Spec"))
        }
        if let limit = set["spec"]["revisionHistoryLimit"].int, limit < 0 {
            warnings.append("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended")
        }
        return warnings
    }

    static func job(at path: String) -> ObjectWarnings.Rule {
        { job, old in
            if let old, old["metadata"]["generation"] == job["metadata"]["generation"] { return [] }
            return of(job["spec"], at: FieldPath(path))
        }
    }

    static let cronJob: ObjectWarnings.Rule = { cronJob, old in
        var warnings: [String] = []
        if old?["metadata"]["generation"] != cronJob["metadata"]["generation"] {
            warnings = of(cronJob[path: "spec", "jobTemplate", "spec"], at: "spec.jobTemplate.spec")
        }
        if old != nil, cronJob["spec"]["schedule"].string?.contains("TZ") == true {
            warnings.append(
                "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details"
            )
        }
        return warnings
    }

    private static func of(_ spec: Value, at path: FieldPath) -> [String] {
        var warnings: [String] = []
        if spec["completionMode"].string == "Indexed", spec["completions"].int ?? 0 > 100_000, spec["parallelism"].int ?? 0 > 10_000 {
            warnings.append(
                "\(path): In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"
            )
        }
        return warnings + PodWarnings.of(spec["template"], at: path.child("template"), isTemplate: true)
    }
}
