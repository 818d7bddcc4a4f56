internal import OrderedCollections

/// What a pod asks for as a whole, and how that goes with what its containers ask for. Upstream: `validatePodResources`.
enum PodResourceRules {
    static func check(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let whole = spec["resources"]
        guard !whole.isNull else { return }
        let field = path.child("resources")
        if spec["os"]["name"].string == "windows" {
            errors.append(.forbidden(field, "may not be set for a windows pod"))
            return
        }
        if !whole["claims"].isNull {
            errors.append(.forbidden(field.child("claims"), "claims may not be set for Resources at pod-level"))
        }
        for list in ["limits", "requests"] {
            for name in whole[list].fields.keys where name != "cpu" && name != "memory" && !isHugePages(name) {
                errors.append(.notSupported(field.child(list).key(name), .string(name), ["cpu", "hugepages-", "memory"]))
            }
        }
        for (name, request) in whole["requests"].fields {
            guard let limit = whole["limits"][name].quantity, let amount = request.quantity, amount > limit else { continue }
            errors.append(.invalid(field.child("requests"), request, "must be less than or equal to \(name) limit of \(limit)"))
        }
        let totals = PodTotals(spec: spec)
        for (name, asked) in totals.ofContainers("requests").amounts.sorted(by: { $0.key < $1.key }) {
            guard let own = whole["requests"][name].quantity, asked > own else { continue }
            errors.append(
                .invalid(
                    field.child("requests").key(name), .string("\(own)"),
                    "must be greater than or equal to aggregate container requests of \(asked)"))
        }
        for (name, asked) in totals.ofContainers("limits").amounts.sorted(by: { $0.key < $1.key }) where isHugePages(name) {
            guard let own = whole["limits"][name].quantity, asked > own else { continue }
            errors.append(
                .invalid(
                    field.child("limits").key(name), .string("\(own)"),
                    "must be greater than or equal to aggregate container limits of \(asked)"))
        }
        for (index, container) in spec["containers"].elements.enumerated() {
            for (name, limit) in container[path: "resources", "limits"].fields {
                guard let own = whole["limits"][name].quantity, let amount = limit.quantity, amount > own else { continue }
                errors.append(
                    .invalid(
                        field.child("containers").index(index).key(name).child("limits"), limit,
                        "must be less than or equal to pod limits of \(own)"))
            }
        }
    }

    private static func isHugePages(_ name: String) -> Bool { name.hasPrefix("hugepages-") }
}
