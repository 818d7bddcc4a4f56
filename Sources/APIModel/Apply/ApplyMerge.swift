internal import OrderedCollections

/// An object and a configuration put together: the configuration's word counts, what it does not speak of stays.
enum ApplyMerge {
    /// - Throws: for lists whose elements cannot be told apart.
    static func merge(_ live: Value, _ applied: Value, _ shape: MergeShape) throws(ApplyProblem) -> Value {
        try value(live, applied, shape, "") ?? .emptyObject
    }

    private static func value(_ live: Value?, _ applied: Value?, _ shape: MergeShape, _ path: String) throws(ApplyProblem) -> Value? {
        switch shape.form(of: applied ?? live) {
        case .scalar, .list(.none), .map(isAtomic: true): return applied ?? live
        case .list(let identity):
            let (before, wanted) = (live?.elements ?? [], applied?.elements ?? [])
            if before.isEmpty, wanted.isEmpty { return applied ?? live }
            return .array(try list(before, wanted, identity, shape.element, path))
        case .map(isAtomic: false):
            let (before, wanted) = (live?.fields ?? [:], applied?.fields ?? [:])
            if before.isEmpty, wanted.isEmpty { return applied ?? live }
            var merged = Value.Fields(minimumCapacity: before.count + wanted.count)
            for (name, old) in before {
                merged[name] = try field(name, old, wanted[name], shape, path)
            }
            for (name, new) in wanted where before[name] == nil { merged[name] = try field(name, nil, new, shape, path) }
            return .object(merged)
        }
    }

    private static func field(
        _ name: String, _ live: Value?, _ applied: Value?, _ shape: MergeShape, _ path: String
    ) throws(ApplyProblem) -> Value? {
        guard let applied else { return live }
        return try value(live, applied, shape.field(name) ?? .deduced, "\(path).\(name)")
    }

    /// Elements that both have keep the configuration's order; those that only the live list has stay where they are among them.
    private static func list(
        _ live: [Value], _ applied: [Value], _ identity: MergeShape.Identity, _ shape: MergeShape, _ path: String
    ) throws(ApplyProblem) -> [Value] {
        let before = try steps(live, identity, path)
        let wanted = try steps(applied, identity, path)
        var liveByStep: [PathElement: Value?] = [:]
        for (step, value) in zip(before, live) {
            // An element that is there twice is not merged with, but replaced.
            liveByStep.updateValue(liveByStep[step] == nil ? value : nil, forKey: step)
        }
        var appliedByStep: [PathElement: Value] = [:]
        for (step, value) in zip(wanted, applied) where appliedByStep.updateValue(value, forKey: step) != nil {
            throw ApplyProblem(problems: ["\(path): duplicate entries for key \(step)"])
        }
        var shared = wanted.filter { liveByStep[$0] != nil }[...]
        var nextShared = shared.popFirst()
        var merged: Set<PathElement> = []
        var result: [Value] = []
        func take(_ step: PathElement) throws(ApplyProblem) {
            merged.insert(step)
            if let value = try value(liveByStep[step] ?? nil, appliedByStep[step], shape, path + step.description) { result.append(value) }
        }
        var (i, j) = (0, 0)
        while i < before.count || j < wanted.count {
            if i < before.count, j < wanted.count {
                let step = before[i]
                if step == wanted[j] {
                    try take(step)
                    i += 1
                    j += 1
                    nextShared = shared.popFirst()
                    continue
                }
                if appliedByStep[step] != nil, let nextShared, nextShared != step {
                    // Its turn comes where the configuration has it.
                    i += 1
                    continue
                }
            }
            if i < before.count {
                let step = before[i]
                if appliedByStep[step] == nil {
                    result.append(live[i])
                    i += 1
                    continue
                }
                if merged.contains(step) { i += 1 }
            }
            if j < wanted.count {
                let step = wanted[j]
                try take(step)
                j += 1
                if nextShared == step { nextShared = shared.popFirst() }
            }
        }
        return result
    }

    private static func steps(_ list: [Value], _ identity: MergeShape.Identity, _ path: String) throws(ApplyProblem) -> [PathElement] {
        var steps: [PathElement] = []
        for (index, value) in list.enumerated() {
            do throws(PathElement.Malformed) {
                steps.append(try PathElement(of: value, identity))
            } catch {
                throw ApplyProblem(problems: ["\(path): element \(index): \(error.description)"])
            }
        }
        return steps
    }
}
