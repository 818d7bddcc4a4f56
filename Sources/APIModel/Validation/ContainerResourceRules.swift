internal import OrderedCollections

/// What a container asks for, and what it may use at most. Upstream: `validateResourceRequirements`.
enum ContainerResourceRules {
    static func check(_ resources: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for list in ["limits", "requests"] {
            for (name, amount) in resources[list].fields { check(name, amount, path.child(list).key(name), &errors) }
        }
        for (name, amount) in resources["requests"].fields {
            let isShared = ResourceNames.isShared(name)
            guard let request = amount.quantity, let limit = resources["limits"][name].quantity else {
                if !isShared, resources["limits"][name].isNull {
                    errors.append(.required(path.child("limits"), "Limit must be set for non overcommitable resources"))
                }
                continue
            }
            if isShared, request > limit {
                errors.append(.invalid(path.child("requests"), amount, "must be less than or equal to \(name) limit of \(limit)"))
            }
            if !isShared, request != limit {
                errors.append(.invalid(path.child("requests"), amount, "must be equal to \(name) limit of \(limit)"))
            }
        }
        let names = ["limits", "requests"].flatMap { Array(resources[$0].fields.keys) }
        if names.contains(where: ResourceNames.isHugePages), !names.contains("cpu"), !names.contains("memory") {
            errors.append(.forbidden(path, "HugePages require cpu or memory"))
        }
    }

    private static func check(_ name: String, _ amount: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        ResourceNames.checkOfContainers(name, path, &errors)
        guard let quantity = amount.quantity else { return }
        if ResourceNames.isWhole(name), !quantity.isWhole { errors.append(.invalid(path, amount, "must be an integer")) }
        if ResourceNames.isHugePages(name), let size = try? Quantity(String(name.dropFirst("hugepages-".count))),
            size.signum <= 0 || !size.isWhole || !quantity.isMultiple(of: size)
        {
            errors.append(.invalid(path, amount, "\(quantity) is not positive integer multiple of \(name)"))
        }
    }
}
