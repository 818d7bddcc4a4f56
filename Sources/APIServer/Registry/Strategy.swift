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
    /// Checks beyond those of the catalogue, which came to `found`. `old` is `nil` for a create.
    func validate(_ object: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError]
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
    func validate(_ object: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] { [] }
    func gracePeriod(_ object: Value, requested: Whole?) -> Whole? { nil }
    func prepareForDelete(_ object: inout Value, _ target: Target, _ write: WriteContext) async throws {}
    func isHeld(_ object: Value) -> Bool { false }
}

/// Nothing beyond the tables.
struct GenericStrategy: Strategy {}
