/// What an update of a Service may not change: its first address and family stay, a second one comes and goes.
enum ServiceUpdateRules {
    static func validate(_ new: Value, old: Value) -> [FieldError] {
        let (after, before) = (new["spec"], old["spec"])
        var errors: [FieldError] = []
        if ![after, before].contains(where: { $0["type"].string == "ExternalName" }) {
            let (isHeadless, wasHeadless) = (isHeadless(after), isHeadless(before))
            if !(isHeadless && wasHeadless) { addresses(after, before, &errors) }
            // One without addresses changes its families as it likes.
            if !isHeadless, !wasHeadless { families(after, before, &errors) }
        }
        if [after, before].allSatisfy({ $0["type"].string == "LoadBalancer" }) {
            if after["loadBalancerClass"] != before["loadBalancerClass"] {
                errors.append(.invalid("spec.loadBalancerClass", after["loadBalancerClass"], "may not change once set"))
            }
            let areLocal = [after, before].allSatisfy { $0["externalTrafficPolicy"].string == "Local" }
            if areLocal, after["healthCheckNodePort"] != before["healthCheckNodePort"] {
                errors.append(.forbidden("spec.healthCheckNodePort", "field is immutable"))
            }
        }
        return errors
    }

    private static func isHeadless(_ spec: Value) -> Bool { spec["clusterIPs"].elements == ["None"] }

    private static func addresses(_ after: Value, _ before: Value, _ errors: inout [FieldError]) {
        let (new, old) = (after["clusterIPs"], before["clusterIPs"])
        func first(_ detail: String) { errors.append(.invalid("spec.clusterIPs[0]", shown(new), detail)) }
        if new.elements.count == old.elements.count {
            for (index, pair) in zip(new.elements, old.elements).enumerated() where pair.0 != pair.1 {
                errors.append(.invalid(FieldPath("spec.clusterIPs[\(index)]"), new, "may not change once set"))
            }
            return
        }
        if new.elements.isEmpty { return first("primary clusterIP can not be unset") }
        if !old.elements.isEmpty, new[0] != old[0] { first("may not change once set") }
        if new.elements.count < old.elements.count { release(after, "clusterIP", &errors) }
    }

    private static func families(_ after: Value, _ before: Value, _ errors: inout [FieldError]) {
        let (new, old) = (after["ipFamilies"], before["ipFamilies"])
        func first(_ value: Value, _ detail: String) { errors.append(.invalid("spec.ipFamilies[0]", shown(value), detail)) }
        if new.elements.count == old.elements.count {
            for (family, was) in zip(new.elements, old.elements) where family != was { first(new, "may not change once set") }
            return
        }
        let isLess = new.elements.count < old.elements.count
        if isLess, after["clusterIPs"].isEmpty { first(new, "primary ipFamily can not be unset") }
        // Upstream shows the addresses here.
        if !new.elements.isEmpty, !old.elements.isEmpty, new[0] != old[0] { first(after["clusterIPs"], "may not change once set") }
        if isLess { release(after, "ipFamily", &errors) }
    }

    private static func release(_ after: Value, _ what: String, _ errors: inout [FieldError]) {
        let policy = after["ipFamilyPolicy"]
        let count = after[what == "clusterIP" ? "clusterIPs" : "ipFamilies"].elements.count
        guard count == 1, policy != "SingleStack" else { return }
        errors.append(.invalid("spec.ipFamilyPolicy", policy, "must be set to 'SingleStack' when releasing the secondary \(what)"))
    }

    private static func shown(_ list: Value) -> Value { list.isNull ? .null : list }
}
