extension KindRules {
    /// A Job's selector is its own, or the labels that were made for it.
    static let job: Rule = { job, errors in
        let (metadata, spec) = (job["metadata"], job["spec"])
        let (labels, place) = (spec["template"]["metadata"]["labels"], FieldPath("spec.template.metadata.labels"))
        if spec["manualSelector"].bool != true, !spec["selector"].isNull {
            let made = JobLabels.made(for: job)
            for (key, value) in made {
                if labels[key].isNull {
                    errors.append(.required(place.key(key), "must be '\(value)'"))
                } else if labels[key].string != value {
                    errors.append(.invalid(place.key(key), Value(labels.strings), "must be '\(value)'"))
                }
            }
            let own = Dictionary(made) { first, _ in first }
            if let selector = try? LabelSelector(spec["selector"]), !selector.matches(own) {
                var shown = spec["selector"]
                shown["matchLabels"] = Value(shown["matchLabels"].strings)
                errors.append(.invalid("spec.selector", shown, "`selector` not auto-generated"))
            }
        }
        if spec["selector"].isNull { errors.append(.required("spec.selector")) }
        if let selector = try? LabelSelector(spec["selector"]), !selector.matches(labelsOf: spec["template"]) {
            errors.append(.invalid(place, Value(labels.strings), "`selector` does not match template `labels`"))
        }
        if spec["completionMode"].string == "Indexed", let completions = spec["completions"].int, completions > 0 {
            let name = metadata["name"].string ?? ""
            let last = "\(name)-\(completions - 1)"
            if !Names.dnsLabel(last).isEmpty {
                errors.append(.invalid("metadata.name", .string(name), "will not able to create pod with invalid DNS label: \(last)"))
            }
        }
    }

    /// The selector of each Job is made when the Job is.
    static let cronJob: Rule = { cronJob, errors in
        let (spec, field) = (cronJob["spec"]["jobTemplate"]["spec"], FieldPath("spec.jobTemplate.spec"))
        if !spec["selector"].isNull {
            errors.append(.invalid(field.child("selector"), spec["selector"], "`selector` will be auto-generated"))
        }
        if spec["manualSelector"].bool == true { errors.append(.notSupported(field.child("manualSelector"), true, ["nil", "false"])) }
    }
}

/// The labels by which a Job finds its Pods, made by the API server unless `manualSelector` says otherwise.
public enum JobLabels {
    public static let controllerUID = "batch.kubernetes.io/controller-uid"

    /// In upstream's order; those without a prefix are for clients of older times.
    public static func made(for job: Value) -> [(String, String)] {
        let (uid, name) = (job["metadata"]["uid"].string ?? "", job["metadata"]["name"].string ?? "")
        return [
            ("controller-uid", uid), ("job-name", name), (controllerUID, uid), ("batch.kubernetes.io/job-name", name),
        ]
    }
}
