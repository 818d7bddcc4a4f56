extension TypeRules {
    /// What a Job and the template of a CronJob share; `KindRules` has what only a Job must keep.
    static let job: [String: Rule] = [
        "batch.v1.JobSpec": { spec, path, errors in
            limits(spec, path, &errors)
            if let name = spec["managedBy"].string { managedBy(name, path.child("managedBy"), &errors) }
            failurePolicy(spec, path.child("podFailurePolicy"), &errors)
            successPolicy(spec, path.child("successPolicy"), &errors)
            replacementPolicy(spec, path.child("podReplacementPolicy"), &errors)
            restartPolicy(spec, path.child("template", "spec", "restartPolicy"), &errors)
        }
    ]

    private static let mostIndexed: Whole = 100_000
    private static let mostAtOnceOfMany: Whole = 10_000

    private static func limits(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (completions, parallelism) = (spec["completions"].int, spec["parallelism"].int)
        let (perIndex, mostFailed) = (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"].int)
        func refuse(_ field: String, _ detail: String) { errors.append(.invalid(path.child(field), spec[field], detail)) }
        if mostFailed != nil, perIndex.isNull {
            errors.append(.required(path.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified"))
        }
        switch spec["completionMode"].string {
        case "Indexed":
            if completions == nil { errors.append(.required(path.child("completions"), "when completion mode is Indexed")) }
            if let parallelism, parallelism > mostIndexed {
                refuse("parallelism", "must be less than or equal to \(mostIndexed) when completion mode is Indexed")
            }
            if let completions, let mostFailed, mostFailed > completions {
                refuse("maxFailedIndexes", "must be less than or equal to completions")
            }
            if let mostFailed, mostFailed > mostIndexed { refuse("maxFailedIndexes", "must be less than or equal to \(mostIndexed)") }
            guard let completions, completions > mostIndexed, !perIndex.isNull else { return }
            if mostFailed == nil {
                let detail = "must be specified when completions is above \(mostIndexed)"
                errors.append(.required(path.child("maxFailedIndexes"), detail))
            }
            let ofMany =
                "must be less than or equal to \(mostAtOnceOfMany) when completions are above \(mostIndexed) and used with backoff limit per index"
            if let parallelism, parallelism > mostAtOnceOfMany { refuse("parallelism", ofMany) }
            if let mostFailed, mostFailed > mostAtOnceOfMany { refuse("maxFailedIndexes", ofMany) }
        case nil, "NonIndexed":
            if !perIndex.isNull { refuse("backoffLimitPerIndex", "requires indexed completion mode") }
            if mostFailed != nil { refuse("maxFailedIndexes", "requires indexed completion mode") }
        default: break
        }
    }

    private static func managedBy(_ name: String, _ path: FieldPath, _ errors: inout [FieldError]) {
        domainPrefixedPath(name, path, &errors)
        if name.utf8.count > 63 { errors.append(.tooLong(path, limit: 63)) }
    }

    private static func restartPolicy(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let policy = spec["template"]["spec"]["restartPolicy"]
        switch policy.string {
        case nil, "Always": errors.append(.required(path, "valid values: \"OnFailure\", \"Never\""))
        case "OnFailure" where !spec["podFailurePolicy"].isNull:
            errors.append(.invalid(path, policy, "only \"Never\" is supported when podFailurePolicy is specified"))
        case "OnFailure", "Never": break
        default: errors.append(.notSupported(path, policy, ["OnFailure", "Never"]))
        }
    }

    private static func replacementPolicy(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let known = spec["podFailurePolicy"].isNull ? ["Failed", "TerminatingOrFailed"] : ["Failed"]
        if let policy = spec["podReplacementPolicy"].string, !known.contains(policy) {
            errors.append(.notSupported(path, .string(policy), known))
        }
    }

    // MARK: Failure

    private static func failurePolicy(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (rules, field) = (spec["podFailurePolicy"]["rules"].elements, path.child("rules"))
        if rules.count > 20 { errors.append(.tooMany(field, count: rules.count, limit: 20)) }
        let pod = spec["template"]["spec"]
        let names = Set((pod["containers"].elements + pod["initContainers"].elements).map { $0["name"] })
        for (index, rule) in rules.enumerated() {
            let field = field.index(index)
            if rule["action"].string == "FailIndex", spec["backoffLimitPerIndex"].isNull {
                errors.append(.invalid(field.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set"))
            }
            let (codes, conditions) = (rule["onExitCodes"], rule["onPodConditions"].elements)
            if !codes.isNull { exitCodes(codes, names, field.child("onExitCodes"), &errors) }
            if conditions.count > 20 { errors.append(.tooMany(field.child("onPodConditions"), count: conditions.count, limit: 20)) }
            if !codes.isNull, !conditions.isEmpty {
                errors.append(.omitted(field, "specifying both OnExitCodes and OnPodConditions is not supported"))
            }
            if codes.isNull, conditions.isEmpty {
                errors.append(.omitted(field, "specifying one of OnExitCodes and OnPodConditions is required"))
            }
        }
    }

    private static func exitCodes(_ codes: Value, _ names: Set<Value>, _ path: FieldPath, _ errors: inout [FieldError]) {
        let name = codes["containerName"]
        if !name.isNull, !names.contains(name) {
            let detail = "must be one of the container or initContainer names in the pod template"
            errors.append(.invalid(path.child("containerName"), name, detail))
        }
        let (values, field) = (codes["values"].elements, path.child("values"))
        if values.isEmpty { errors.append(.invalid(field, .array([]), "at least one value is required")) }
        if values.count > 255 { errors.append(.tooMany(field, count: values.count, limit: 255)) }
        var seen: Set<Value> = []
        for (index, value) in values.enumerated() {
            if codes["operator"].string == "In", value == 0 {
                errors.append(.invalid(field.index(index), value, "must not be 0 for the In operator"))
            }
            if !seen.insert(value).inserted { errors.append(.duplicate(field.index(index), value)) }
        }
        let isOrdered = zip(values, values.dropFirst()).allSatisfy { ($0.int ?? 0) <= ($1.int ?? 0) }
        if !isOrdered { errors.append(.invalid(field, codes["values"], "must be ordered")) }
    }

    // MARK: Success

    private static func successPolicy(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let policy = spec["successPolicy"]
        guard !policy.isNull else { return }
        let rules = policy["rules"].elements
        guard spec["completionMode"].string == "Indexed" else {
            let shown = rules.map { GoStructure.show($0, zero: ["succeededIndexes": .null, "succeededCount": .null]) }
            errors.append(.invalid(path, ["Rules": .array(shown)], "requires indexed completion mode"))
            return
        }
        let field = path.child("rules")
        if rules.isEmpty {
            errors.append(.required(field, "at least one rules must be specified when the successPolicy is specified"))
        }
        if rules.count > 20 { errors.append(.tooMany(field, count: rules.count, limit: 20)) }
        for (index, rule) in rules.enumerated() { successRule(rule, spec["completions"].int ?? 0, field.index(index), &errors) }
    }

    private static func successRule(_ rule: Value, _ completions: Whole, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (count, field) = (rule["succeededCount"].int, path.child("succeededCount"))
        if count == nil, rule["succeededIndexes"].isNull {
            errors.append(.required(path, "at least one of succeededCount or succeededIndexes must be specified"))
        }
        var total: Whole?
        if let text = rule["succeededIndexes"].string {
            let place = path.child("succeededIndexes")
            if text.utf8.count > 65536 { errors.append(.tooLong(place, limit: 65536)) }
            do throws(IndexProblem) { total = try indexes(text, completions) } catch {
                errors.append(.invalid(place, .string(text), "error parsing succeededIndexes: \(error.text)"))
                total = 0
            }
        }
        guard let count else { return }
        if count > completions {
            let detail = "must be less than or equal to \(completions) (the number of specified completions)"
            errors.append(.invalid(field, .int(count), detail))
        }
        if let total, count > total {
            let detail = "must be less than or equal to \(total) (the number of indexes in the specified succeededIndexes field)"
            errors.append(.invalid(field, .int(count), detail))
        }
    }

    private struct IndexProblem: Error { var text: String }

    /// How many indexes `0-3,5` means; they have to ascend and to be below `completions`.
    private static func indexes(_ text: String, _ completions: Whole) throws(IndexProblem) -> Whole {
        var (last, total): (Whole?, Whole) = (nil, 0)
        guard !text.isEmpty else { return 0 }
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let ends = part.split(separator: "-", omittingEmptySubsequences: false)
            if ends.count > 2 {
                let rule = "violates the requirement that an index interval can have at most two parts separated by '-'"
                throw IndexProblem(text: "the fragment \(FieldError.quoted(String(part))) \(rule)")
            }
            var numbers: [Whole] = []
            for end in ends {
                let shown = FieldError.quoted(String(end))
                guard let number = Whole(end) else { throw IndexProblem(text: "cannot convert string to integer for index: \(shown)") }
                if number >= completions { throw IndexProblem(text: "too large index: \(shown)") }
                numbers.append(number)
            }
            let (first, end) = (numbers[0], numbers[numbers.count - 1])
            if numbers.count == 2, first >= end { throw IndexProblem(text: "non-increasing order, previous: \(first), current: \(end)") }
            if let last, last >= first { throw IndexProblem(text: "non-increasing order, previous: \(last), current: \(first)") }
            (last, total) = (end, total + end - first + 1)
        }
        return total
    }
}
