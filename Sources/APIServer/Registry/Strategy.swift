import APIModel

/// What one kind does beyond the tables: how it is completed before a write.
///
/// Objects are in the storage version. Called from any task; `prepare…` may run several times for one request, when it is tried again after
/// a conflict.
protocol Strategy: Sendable {
    /// Completes a new object; a refusal is thrown.
    func prepareForCreate(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws
    /// Completes a changed object. `target.subresource` says which part the client may change; the rest is as before already.
    func prepareForUpdate(_ object: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws
    /// Whether an update counts as one of the specification though none of its fields differs.
    func changesSpecification(_ object: Value, old: Value) -> Bool
    /// Checks beyond those of the catalogue. `old` is `nil` for a create.
    func validate(_ object: Value, old: Value?, _ target: Target) -> [FieldError]
    /// Called once after every `prepare…` that did not throw, and after every removal, with what became of it. `prepared` is what was
    /// prepared, `nil` for a plain removal; `old` is the state before, `nil` for a create.
    func settle(prepared: Value?, old: Value?, outcome: Outcome) async
    /// Seconds between the request to delete and the removal, `nil` when the object goes at once.
    func gracePeriod(_ object: Value, requested: Whole?) -> Whole?
    /// Refuses a deletion, or begins it in the kind's own way by changing the object.
    func prepareForDelete(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws
    /// Whether an object that is being deleted has to stay for reasons of its kind.
    func isHeld(_ object: Value) -> Bool
}

extension Strategy {
    func prepareForCreate(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws {}
    func prepareForUpdate(_ object: inout Value, old: Value, _ target: Target, _ write: WriteContext) async throws {}
    func changesSpecification(_ object: Value, old: Value) -> Bool { false }
    func validate(_ object: Value, old: Value?, _ target: Target) -> [FieldError] { [] }
    func settle(prepared: Value?, old: Value?, outcome: Outcome) async {}
    func gracePeriod(_ object: Value, requested: Whole?) -> Whole? { nil }
    func prepareForDelete(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws {}
    func isHeld(_ object: Value) -> Bool { false }
}

/// Nothing beyond the tables.
struct GenericStrategy: Strategy {}
