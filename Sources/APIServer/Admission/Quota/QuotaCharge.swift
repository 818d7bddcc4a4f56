import APIModel

/// What one write would use of the quotas of its namespace.
struct QuotaCharge: Sendable {
    let object: Value
    /// `nil` for a creation.
    let old: Value?
    let evaluator: any QuotaEvaluator
    let target: Target

    /// What it adds to which quota, by uid; nothing for those that it does not touch.
    ///
    /// - Throws: 403 in upstream's words when a quota has no room, has not been counted yet, or needs something said.
    func needs(_ quotas: [Quota]) throws(APIError) -> [String: ResourceList] {
        let matching = quotas.filter { $0.matches(object, evaluator) }
        guard !matching.isEmpty else { return [:] }
        for quota in matching {
            let restricted = quota.hard.names.filter(evaluator.counts)
            if let missing = evaluator.missing(for: restricted, object) {
                throw target.forbidden("failed quota: \(quota.name): \(missing)")
            }
            if restricted.contains(where: { quota.used[$0] == nil }) {
                throw target.forbidden("status unknown for quota: \(quota.name), resources: \(restricted.joined(separator: ","))")
            }
        }
        let now = Clock.seconds
        let usage = evaluator.usage(of: object, now: now)
        let negative = usage.filter { $1.signum < 0 }.names
        guard negative.isEmpty else {
            throw target.forbidden("quota usage is negative for resource(s): \(negative.joined(separator: ","))")
        }
        var needs: [String: ResourceList] = [:]
        for quota in matching {
            var more = usage
            // What an object that was counted already gives up is the controller's to notice.
            if let old, quota.matches(old, evaluator) { more = (usage - evaluator.usage(of: old, now: now)).notNegative }
            more = more.filter { name, amount in !amount.isZero && quota.hard[name] != nil }
            guard !more.isEmpty else { continue }
            try check(more, quota)
            needs[quota.uid] = more
        }
        return needs
    }

    private func check(_ more: ResourceList, _ quota: Quota) throws(APIError) {
        // A status tells what has happened; it is counted, not refused.
        guard target.subresource != "status" else { return }
        let exceeded = more.filter { name, amount in (quota.used[name] ?? .zero) + amount > quota.hard[name] ?? .zero }
        guard !exceeded.isEmpty else { return }
        let (used, hard) = (quota.used.filter { name, _ in exceeded[name] != nil }, quota.hard.filter { name, _ in exceeded[name] != nil })
        throw target.forbidden(
            "exceeded quota: \(quota.name), requested: \(exceeded.text), used: \(used.text), limited: \(hard.text)")
    }
}
