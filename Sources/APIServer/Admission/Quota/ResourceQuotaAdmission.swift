import APIModel

/// Lets a namespace have no more than its ResourceQuotas allow, however many ask at once.
///
/// What a write needs is put down in the quotas' status before it is committed, and taken away again when it is not. A status that others
/// write says no less than what is there: see `QuotaLedger`.
struct ResourceQuotaAdmission: MutatingMember, ValidatingMember {
    static let name = "ResourceQuota"
    var name: String { Self.name }

    private let ledger = QuotaLedger()
    private let limited: LimitedResources

    init(_ limited: LimitedResources = LimitedResources()) { self.limited = limited }

    func concerns(collection: String) -> Bool { QuotaEvaluators.evaluator(for: collection) != nil }

    func admit(_ quota: inout Value, _ request: AdmissionRequest) async throws {
        guard request.target.storage.collection == "/resourcequotas", request.target.subresource == "status", request.operation == .update,
            !quota["status"]["used"].isNull
        else { return }
        let written = ResourceList(quota["status"]["used"])
        let least = await ledger.leastUsage(of: Quota(quota), in: request.target.namespace, request.registry)
        let lacking = least.filter { name, amount in (written[name] ?? .zero) < amount }
        for (name, amount) in lacking.amounts { quota["status"]["used"][name] = .string(amount.description) }
    }

    func validate(_ object: Value, _ request: AdmissionRequest) async throws -> Settlement? {
        let target = request.target
        guard !target.namespace.isEmpty, target.storage.collection != "/namespaces",
            let evaluator = QuotaEvaluators.evaluator(for: target.storage.collection)
        else { return nil }
        switch request.operation {
        case .create where request.isOfObject: break
        case .update:
            guard let old = request.old, evaluator.mayUseMore(object, than: old, subresource: target.subresource) else { return nil }
        default: return nil
        }
        let charge = QuotaCharge(object: object, old: request.old, evaluator: evaluator, target: target)
        let registry = request.registry
        func quotas() -> [Quota] { QuotaLedger.quotas(target.namespace, registry).map(\.quota) }
        if !limited.isEmpty { try limited.check(charge, quotas()) }
        if request.context.isDryRun {
            _ = try charge.needs(quotas())
            return nil
        }
        guard let reservation = try await ledger.reserve(charge, registry) else { return nil }
        return { outcome in
            if case .committed = outcome { await ledger.keep(reservation) } else { await ledger.release(reservation, registry) }
        }
    }
}
