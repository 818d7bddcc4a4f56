/// One accepted write on its way to the engine.
struct Write: Sendable {
    var key: RecordKey
    var expectation: Expectation
    var action: Mutation.Action
    var answer: CheckedContinuation<Result<Record, StoreError>, Never>

    /// Whether it cannot succeed any more: the object has moved on from what it expects, which nothing undoes.
    func isLate(_ newest: Record?) -> Bool {
        guard case .revision(let expected) = expectation, let newest else { return false }
        return newest.revision > expected
    }

    /// Why the engine refused it, told by the newest state.
    func refusal(_ newest: Record?) -> StoreError {
        switch (expectation, newest) {
        case (.absent, let newest?): StoreError(code: .exists(newest), message: "\(key) exists already")
        case (.revision, nil), (.any, nil): .notFound(key)
        case (.revision(let expected), let newest?):
            StoreError(code: .conflict(current: newest), message: "\(key) is at revision \(newest.revision), not \(expected)")
        case (.absent, nil), (.any, _):
            StoreError(code: .conflict(current: newest), message: "\(key) was changed by somebody else at the same time")
        }
    }
}
