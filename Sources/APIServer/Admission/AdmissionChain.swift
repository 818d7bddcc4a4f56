import APIModel

/// The members that have something to say of one collection, in order.
struct AdmissionChain: Sendable {
    private let mutating: [any MutatingMember]
    private let validating: [any ValidatingMember]

    init(_ members: [any AdmissionMember]) {
        mutating = members.compactMap { $0 as? any MutatingMember }
        validating = members.compactMap { $0 as? any ValidatingMember }
    }

    /// Asks every member, and once more where one of the last changed what those before had seen.
    func admit(_ object: inout Value, _ request: AdmissionRequest) async throws {
        var times = AdmissionTimes(.admit, request)
        do {
            try await round(&object, request, &times)
            if request.reinvocation.begin() { try await round(&object, request, &times) }
        } catch {
            times.end(with: error)
            throw error
        }
        times.end()
    }

    private func round(_ object: inout Value, _ request: AdmissionRequest, _ times: inout AdmissionTimes) async throws {
        for member in mutating {
            times.begin(member.name)
            try await member.admit(&object, request)
        }
    }

    /// Asks every member, then does `commit`, then tells those who wait for it how it ended.
    ///
    /// - Parameter commit: returns what the write came to.
    func validate<T: Sendable>(
        _ object: Value, _ request: AdmissionRequest, commit: () async throws -> (result: T, outcome: Outcome)
    ) async throws -> T {
        var settlements: [Settlement] = []
        do {
            try await judge(object, request, &settlements)
            let (result, outcome) = try await commit()
            for settlement in settlements { await settlement(outcome) }
            return result
        } catch {
            for settlement in settlements { await settlement(.dropped) }
            throw error
        }
    }

    private func judge(_ object: Value, _ request: AdmissionRequest, _ settlements: inout [Settlement]) async throws {
        var times = AdmissionTimes(.validate, request)
        do {
            for member in validating {
                times.begin(member.name)
                if let settlement = try await member.validate(object, request) { settlements.append(settlement) }
            }
        } catch {
            times.end(with: error)
            throw error
        }
        times.end()
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
