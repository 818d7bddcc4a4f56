extension DefaultRules {
    static let workloads: [String: Rule] = [
        "apps.v1.DeploymentStrategy": { strategy in
            guard strategy["type"].string == "RollingUpdate" else { return }
            fill(&strategy["rollingUpdate"], ["maxSurge": "25%", "maxUnavailable": "25%"])
        },
        "apps.v1.DaemonSetUpdateStrategy": { strategy in
            guard strategy["type"].string == "RollingUpdate" else { return }
            fill(&strategy["rollingUpdate"], ["maxSurge": 0, "maxUnavailable": 1])
        },
        "apps.v1.StatefulSetUpdateStrategy": { strategy in
            guard strategy["type"].string == "RollingUpdate" else { return }
            fill(&strategy["rollingUpdate"], ["partition": 0])
        },
        // Claims are whole objects there.
        "apps.v1.StatefulSetSpec": { spec in
            guard !spec["volumeClaimTemplates"].isEmpty else { return }
            spec["volumeClaimTemplates"].elements = spec["volumeClaimTemplates"].elements.map { template in
                var claim = template
                fill(&claim, ["apiVersion": "v1", "kind": "PersistentVolumeClaim", "status": .emptyObject])
                return claim
            }
        },
        // The rest of a Job's defaults are the Job's alone: a CronJob's template keeps open what it leaves open.
        "batch.v1.Job": { job in
            var spec = job["spec"]
            if spec["completions"].isNull, spec["parallelism"].isNull {
                spec["completions"] = 1
                spec["parallelism"] = 1
            }
            if spec["parallelism"].isNull { spec["parallelism"] = 1 }
            if spec["backoffLimit"].isNull { spec["backoffLimit"] = spec["backoffLimitPerIndex"].isNull ? 6 : 2_147_483_647 }
            if spec["podReplacementPolicy"].isEmpty {
                spec["podReplacementPolicy"] = spec["podFailurePolicy"].isNull ? "TerminatingOrFailed" : "Failed"
            }
            if spec["completionMode"].isEmpty { spec["completionMode"] = "NonIndexed" }
            for name in ["suspend", "manualSelector"] where spec[name].isNull { spec[name] = false }
            job["spec"] = spec
        },
    ]

    private static func fill(_ value: inout Value, _ defaults: KeyValuePairs<String, Value>) {
        for (name, fallback) in defaults where value[name].isNull { value[name] = fallback }
    }
}
