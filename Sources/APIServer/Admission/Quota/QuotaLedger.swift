import APIModel
import Store

/// Puts down in the quotas' status what writes under way will use, before they are committed.
///
/// All who ask at the same time for one namespace are judged one after another and written down together, so each quota is written once for
/// all of them. The status is written at the revision it was read at, so another server that does the same is never passed over.
///
/// The controller counts what is there, and may not see yet what was admitted a moment ago. `leastUsage` keeps it from writing less than
/// what is: too much is corrected by its next look, too little would be given out twice.
actor QuotaLedger {
    /// What one write was promised.
    struct Reservation: Sendable {
        var namespace: String
        var amounts: Amounts
    }

    /// By the quota's uid.
    typealias Amounts = [String: ResourceList]

    /// A promise to be made or taken back.
    private final class Entry {
        let charge: QuotaCharge?
        /// What is to be written down yet.
        var due: Amounts
        /// What has been.
        var held: Amounts = [:]
        /// What of `outstanding` is this one's.
        var noted: Amounts = [:]
        var error: APIError?
        var waiter: CheckedContinuation<Turn, Never>?

        init(_ charge: QuotaCharge?, due: Amounts) {
            self.charge = charge
            self.due = due
        }
    }

    private enum Turn { case done, lead }

    private var waiting: [String: [Entry]] = [:]
    /// The namespaces for which somebody is writing.
    private var led: Set<String> = []
    /// What is promised and not known to be committed.
    private var outstanding: Amounts = [:]

    /// Promises what `charge` needs, or nothing.
    ///
    /// The caller owes a `keep` or a `release` of what is returned; `nil` when no quota is touched.
    /// - Throws: what `QuotaCharge.needs` does; 500 when the status cannot be written.
    func reserve(_ charge: QuotaCharge, _ registry: Registry) async throws -> Reservation? {
        guard !Self.quotas(charge.target.namespace, registry).isEmpty else { return nil }
        let entry = Entry(charge, due: [:])
        await process(entry, charge.target.namespace, registry)
        if let error = entry.error {
            note([:], for: entry)
            throw error
        }
        return entry.held.isEmpty ? nil : Reservation(namespace: charge.target.namespace, amounts: entry.held)
    }

    /// The write was committed: whoever counts sees it.
    func keep(_ reservation: Reservation) { forget(reservation.amounts) }

    /// The write came to nothing.
    func release(_ reservation: Reservation, _ registry: Registry) async {
        await process(Entry(nil, due: reservation.amounts.mapValues(\.negated)), reservation.namespace, registry)
        // Only now, so that whoever counts meanwhile counts too much rather than too little.
        forget(reservation.amounts)
    }

    /// What the quota's used amounts are at least: what is there, and what is promised.
    nonisolated func leastUsage(of quota: Quota, in namespace: String, _ registry: Registry) async -> ResourceList {
        let promised = await promised(quota.uid)
        let counted = quota.usage(hard: quota.hard, now: Clock.seconds) { collection in
            registry.all(collection, namespace: namespace).map(\.value)
        }
        return counted + promised.filter { name, _ in counted[name] != nil }
    }

    private func promised(_ uid: String) -> ResourceList { outstanding[uid] ?? ResourceList() }

    static func quotas(_ namespace: String, _ registry: Registry) -> [(record: Record, quota: Quota)] {
        ((try? registry.store.list("/resourcequotas", namespace: namespace))?.records ?? []).map { ($0, Quota($0.object.value)) }
    }

    // MARK: What is promised

    private func note(_ amounts: Amounts, for entry: Entry) {
        forget(entry.noted)
        for (uid, amount) in amounts { outstanding[uid, default: ResourceList()] += amount }
        entry.noted = amounts
    }

    private func forget(_ amounts: Amounts) {
        for (uid, amount) in amounts {
            let rest = ((outstanding[uid] ?? ResourceList()) - amount).filter { !$1.isZero }
            outstanding[uid] = rest.isEmpty ? nil : rest
        }
    }

    // MARK: Writing

    /// Returns when the entry is written down, or has its error. The first who comes writes for all who wait, then hands over.
    private func process(_ entry: Entry, _ namespace: String, _ registry: Registry) async {
        waiting[namespace, default: []].append(entry)
        if !led.insert(namespace).inserted {
            let turn = await withCheckedContinuation { entry.waiter = $0 }
            if case .done = turn { return }
        }
        let batch = waiting.removeValue(forKey: namespace) ?? []
        await write(batch, namespace, registry)
        for other in batch where other !== entry { other.waiter?.resume(returning: .done) }
        if let next = waiting[namespace]?.first {
            next.waiter?.resume(returning: .lead)
        } else {
            led.remove(namespace)
        }
    }

    /// Each time round somebody else wrote in between, so this ends.
    private func write(_ batch: [Entry], _ namespace: String, _ registry: Registry) async {
        var open = batch
        while !open.isEmpty {
            let before = Self.quotas(namespace, registry)
            var quotas = before.map(\.quota)
            for entry in open { judge(entry, &quotas) }
            var again: Set<String> = []
            for (quota, (record, old)) in zip(quotas, before) where quota.used != old.used {
                do throws(StoreError) {
                    _ = try await registry.store.put(record.key, Body(quota.withStatus), expecting: .revision(record.revision))
                } catch {
                    switch error.code {
                    case .conflict: again.insert(quota.uid)
                    // A quota that is gone limits nothing.
                    case .notFound: break
                    default: fail(open, quota.uid, error)
                    }
                }
            }
            for entry in open {
                for (uid, amount) in entry.due where !again.contains(uid) {
                    entry.held[uid, default: ResourceList()] += amount
                    entry.due[uid] = nil
                }
            }
            open.removeAll { $0.due.isEmpty }
        }
    }

    /// Adds what the entry needs to the quotas, or has it give back what it got before it was refused.
    private func judge(_ entry: Entry, _ quotas: inout [Quota]) {
        if let charge = entry.charge, entry.error == nil {
            do throws(APIError) {
                entry.due = try charge.needs(quotas.filter { entry.held[$0.uid] == nil })
                note(entry.held.merging(entry.due, uniquingKeysWith: +), for: entry)
            } catch {
                entry.error = error
                entry.due = entry.held.mapValues(\.negated)
            }
        }
        for (uid, amount) in entry.due {
            guard let index = quotas.firstIndex(where: { $0.uid == uid }) else {
                entry.due[uid] = nil
                continue
            }
            quotas[index].used = (quotas[index].used + amount).notNegative
        }
    }

    /// Nothing more can be written; what was before stays until the controller counts again.
    private func fail(_ entries: [Entry], _ uid: String, _ error: StoreError) {
        for entry in entries where entry.due[uid] != nil {
            entry.due[uid] = nil
            if entry.charge != nil, entry.error == nil { entry.error = .internalError(error.message) }
        }
    }
}

extension Quota {
    /// The object with what is used now.
    fileprivate var withStatus: Value {
        var object = object
        object["status"]["used"] = used.value
        return object
    }
}
