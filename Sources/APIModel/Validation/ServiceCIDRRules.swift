/// The ranges of a ServiceCIDR: one of a family, or one of each. The second may be added later, nothing else changes.
enum ServiceCIDRRules {
    static func validate(_ spec: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        let (ranges, field) = (spec["cidrs"].elements, path.child("cidrs"))
        if ranges.isEmpty { errors.append(.required(field, "at least one CIDR required")) }
        if ranges.count > 2 { errors.append(.invalid(field, spec, "may only hold up to 2 values")) }
        let families = ranges.compactMap { $0.string.flatMap { IPNetwork($0) }?.family }
        if families.count == 2, families[0] == families[1] {
            let hint = "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64"
            errors.append(.invalid(field, spec["cidrs"], hint))
        }
    }

    static func validateUpdate(_ new: Value, old: Value) -> [FieldError] {
        let (field, ranges, before) = (FieldPath("spec.cidrs"), new["spec"]["cidrs"].elements, old["spec"]["cidrs"].elements)
        guard ranges.count == before.count || (before.count, ranges.count) == (1, 2) else {
            return [.invalid(field, new["spec"]["cidrs"], "field is immutable")]
        }
        return zip(ranges, before).enumerated().filter { $1.0 != $1.1 }.map { index, pair in
            .invalid(field.index(index), pair.0, "field is immutable")
        }
    }
}

extension TypeRules {
    static let serviceCIDR: [String: Rule] = [
        "networking.v1.ServiceCIDRSpec": { spec, path, errors in ServiceCIDRRules.validate(spec, path, &errors) }
    ]
}
