import APIModel

/// Of which families the addresses of a Service are: what its client leaves open is filled in, and what this cluster cannot give is
/// refused. Pure. Rules: upstream `pkg/registry/core/service/storage`.
struct ServiceFamilies {
    /// Those of which the cluster has addresses to give out, the primary one first.
    let configured: [IPFamily]

    private enum Policy {
        static let single: Value = "SingleStack"
        static let preferDual: Value = "PreferDualStack"
        static let requireDual: Value = "RequireDualStack"
    }

    /// Fills in `ipFamilyPolicy` and `ipFamilies`, and drops the second family and address of a Service that shall have one.
    ///
    /// - Returns: why it cannot be; the Service is then as far as it came.
    func fill(_ service: inout Value, old: Value?) -> [FieldError] {
        guard service["spec"]["type"].string != "ExternalName" else { return [] }
        var spec = service["spec"]
        defer { service["spec"] = spec }
        let before = old?["spec"]
        // One that has what it prefers, or all there was, does not change with the cluster.
        if let before, Self.isUntouchedPreference(spec, before) { return [] }
        if spec["ipFamilyPolicy"].isNull { spec["ipFamilyPolicy"] = Self.policy(spec, before) }
        if let before, spec["ipFamilyPolicy"] == Policy.single { Self.release(&spec, before) }

        var errors = Self.contradictions(spec, before)
        infer(&spec, &errors)
        guard errors.isEmpty else { return errors }
        let isForeign = Self.isHeadless(spec) && spec["selector"].isEmpty
        if !isForeign { errors = impossible(spec) }
        guard errors.isEmpty else { return errors }

        if spec["ipFamilies"].isEmpty { spec["ipFamilies"] = [.string(configured[0].rawValue)] }
        // Without addresses and without a selector it has whichever endpoints somebody gives it: of both families, whatever the cluster has.
        if spec["ipFamilyPolicy"] != Policy.single, isForeign || configured.count == 2 { Self.addOther(&spec) }
        return []
    }

    /// The cluster's addresses that the Service lacks: of the family of each place in `clusterIPs`, from the first that is free.
    static func missing(_ service: Value) -> [IPFamily] {
        let spec = service["spec"]
        guard spec["type"].string != "ExternalName", !isHeadless(spec) else { return [] }
        return spec["ipFamilies"].elements.dropFirst(spec["clusterIPs"].elements.count).compactMap { $0.string.flatMap(IPFamily.init) }
    }

    static func isHeadless(_ spec: Value) -> Bool { spec["clusterIP"].string == "None" }

    // MARK: What it should have

    private static func isUntouchedPreference(_ spec: Value, _ before: Value) -> Bool {
        spec["ipFamilyPolicy"] == Policy.preferDual && [Policy.preferDual, .null].contains(before["ipFamilyPolicy"])
            && ["type", "clusterIPs", "ipFamilies"].allSatisfy { spec[$0] == before[$0] }
    }

    private static func policy(_ spec: Value, _ before: Value?) -> Value {
        if let policy = before?["ipFamilyPolicy"], !policy.isNull { return policy }
        return isHeadless(spec) && spec["selector"].isEmpty ? Policy.requireDual : Policy.single
    }

    /// Who makes it single-stack, and lets the lists as they are, means that the second of each goes.
    private static func release(_ spec: inout Value, _ before: Value) {
        for field in ["clusterIPs", "ipFamilies"] where spec[field] == before[field] && spec[field].elements.count > 1 {
            spec[field] = [spec[field][0]]
        }
    }

    private static func contradictions(_ spec: Value, _ before: Value?) -> [FieldError] {
        let policy = spec["ipFamilyPolicy"]
        let lists = [("clusterIPs", "secondary cluster IP", "cluster IPs"), ("ipFamilies", "secondary IP family", "IP families")]
        return lists.compactMap { field, second, several in
            let count = spec[field].elements.count
            if policy == Policy.single, count == 2 {
                let hint = "must be 'RequireDualStack' or 'PreferDualStack' when multiple \(several) are specified"
                return .invalid("spec.ipFamilyPolicy", policy, hint)
            }
            if let before, policy != Policy.single, count > 0, count < before[field].elements.count {
                return .invalid("spec.ipFamilyPolicy", policy, "must be 'SingleStack' to release the \(second)")
            }
            return nil
        }
    }

    /// The families of addresses that the client names.
    private func infer(_ spec: inout Value, _ errors: inout [FieldError]) {
        guard !Self.isHeadless(spec) else { return }
        let addresses = spec["clusterIPs"]
        for (index, address) in addresses.elements.enumerated().dropFirst(spec["ipFamilies"].elements.count) {
            guard let family = IPAddress(address.string ?? "")?.family else { continue }
            guard configured.contains(family) else {
                errors.append(.invalid(FieldPath("spec.clusterIPs[\(index)]"), addresses, "\(family) is not configured on this cluster"))
                continue
            }
            spec["ipFamilies"] = .array(spec["ipFamilies"].elements + [.string(family.rawValue)])
        }
    }

    private func impossible(_ spec: Value) -> [FieldError] {
        var errors: [FieldError] = []
        if spec["ipFamilyPolicy"] == Policy.requireDual, configured.count < 2 {
            errors.append(.invalid("spec.ipFamilyPolicy", Policy.requireDual, "this cluster is not configured for dual-stack services"))
        }
        for (index, family) in spec["ipFamilies"].elements.enumerated()
        where !configured.contains(where: { $0.rawValue == family.string }) {
            errors.append(.invalid(FieldPath("spec.ipFamilies[\(index)]"), family, "not configured on this cluster"))
        }
        return errors
    }

    private static func addOther(_ spec: inout Value) {
        guard spec["ipFamilies"].elements.count == 1, let family = spec["ipFamilies"][0].string.flatMap(IPFamily.init) else { return }
        spec["ipFamilies"] = .array(spec["ipFamilies"].elements + [.string(family.other.rawValue)])
    }
}
