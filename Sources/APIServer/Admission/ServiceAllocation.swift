import APIModel

/// Takes the cluster addresses and node ports of a Service before it is written, and lets go of what nobody needs any more afterwards.
///
/// Always at work, and the last of the chain, so that nothing is taken for what somebody else refuses. What is taken was chosen by
/// `ServiceStrategy`, or asked for by the client.
struct ServiceAllocation: ValidatingMember {
    let name = "ServiceAllocation"
    let allocator: ServiceAllocator

    func concerns(collection: String) -> Bool { collection == "/services" }

    func validate(_ service: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        guard !request.context.isDryRun else { return nil }
        let prepared = service.isNull ? nil : service
        if let prepared { try await allocator.take(prepared) }
        return { [old = request.old] outcome in await allocator.settle(prepared: prepared, old: old, outcome: outcome) }
    }
}
