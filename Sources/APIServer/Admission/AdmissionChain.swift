import APIModel

/// The members that have something to say of one collection, in order.
struct AdmissionChain: Sendable {
    private let members: [any AdmissionMember]

    init(_ members: [any AdmissionMember]) { self.members = members }

    /// Asks every member, and once more where one of the last changed what those before had seen.
    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        for member in members { try await member.admit(&object, request) }
        guard request.reinvocation.begin() else { return }
        for member in members { try await member.admit(&object, request) }
    }

    /// Asks every member, then does `commit`, then tells those who wait for it how it ended.
    ///
    /// - Parameter commit: returns what the write came to.
    func validate<T: Sendable>(
        _ object: Value, _ request: AdmissionRequest, commit: () async throws -> (result: T, outcome: Outcome)
    ) async throws -> T {
        var settlements: [Settlement] = []
        do {
            for member in members {
                if let settlement = try await member.validate(object, request) { settlements.append(settlement) }
            }
            let (result, outcome) = try await commit()
            for settlement in settlements { await settlement(outcome) }
            return result
        } catch {
            for settlement in settlements { await settlement(.dropped) }
            throw error
        }
    }
}

extension WriteContext {
    /// Has the admission chain look at what is created through a subresource or a review, around `commit`, which gets the object as the
    /// members leave it.
    func admitCreation<T: Sendable>(
        of object: Value, _ target: Target, commit: (Value) async throws -> (result: T, outcome: Outcome)
    ) async throws -> T {
        var object = object
        let request = AdmissionRequest(operation: .create, target: target, context: self)
        try await target.storage.admission.admit(&object, request)
        return try await target.storage.admission.validate(object, request) { [object] in try await commit(object) }
    }
}
