internal import APIModel

/// Whether the indexes that succeeded are enough, by the `successPolicy` of an Indexed Job.
enum SuccessPolicy {
    /// Says which rule is met, `nil` when none is.
    static func message(_ policy: Value, succeeded: CompletionIndexes, completions: Whole) -> String? {
        guard !succeeded.isEmpty else { return nil }
        let met = policy["rules"].elements.firstIndex { rule in
            let needed = rule["succeededCount"].int
            guard let text = rule["succeededIndexes"].string else { return needed.map { succeeded.count >= $0 } ?? false }
            let wanted = CompletionIndexes(text, below: completions)
            guard !wanted.isEmpty else { return false }
            return wanted.common(with: succeeded) >= min(needed ?? wanted.count, wanted.count)
        }
        return met.map { "Matched rules at index \($0)" }
    }
}
