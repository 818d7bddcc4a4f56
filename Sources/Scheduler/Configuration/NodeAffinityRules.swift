internal import APIModel
internal import OrderedCollections

/// What is wrong with a NodeAffinity that stands in a file and not in a Pod, in upstream's words.
enum NodeAffinityRules {
    static func check(_ affinity: Value, _ path: FieldPath) -> [FieldError] {
        guard !affinity.isNull else { return [] }
        guard case .object = affinity else { return [.invalid(path, affinity, "expected an object")] }
        let (required, preferred) = ("requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution")
        var errors = unknown(affinity, [required, preferred], path)
        let terms = path.child(required).child("nodeSelectorTerms")
        errors += unknown(affinity[required], ["nodeSelectorTerms"], path.child(required))
        for (index, term) in affinity[required]["nodeSelectorTerms"].elements.enumerated() {
            errors += check(term: term, terms.index(index))
        }
        for (index, term) in affinity[preferred].elements.enumerated() {
            let place = path.child(preferred).index(index)
            errors += unknown(term, ["weight", "preference"], place)
            // One that counts for nothing is passed over.
            if let weight = term["weight"].int, weight != 0 { errors += check(term: term["preference"], place) }
        }
        return errors
    }

    private static func unknown(_ object: Value, _ known: Set<String>, _ path: FieldPath) -> [FieldError] {
        object.fields.keys.filter { !known.contains($0) }.map { .invalid(path.child($0), object[$0], "unknown field") }
    }

    private static func check(term: Value, _ path: FieldPath) -> [FieldError] {
        var errors = unknown(term, ["matchExpressions", "matchFields"], path)
        for (index, requirement) in term["matchExpressions"].elements.enumerated() {
            errors += check(expression: requirement, path.child("matchExpressions").index(index))
        }
        for (index, requirement) in term["matchFields"].elements.enumerated() {
            errors += check(field: requirement, path.child("matchFields").index(index))
        }
        return errors
    }

    private static let names = ["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]

    /// By operator: how many values it wants, and the words for another number.
    private static let operators: [String: (words: String, takes: @Sendable (Int) -> Bool)] = [
        "In": ("for 'in', 'notin' operators, values set can't be empty", { $0 > 0 }),
        "NotIn": ("for 'in', 'notin' operators, values set can't be empty", { $0 > 0 }),
        "Exists": ("values set must be empty for exists and does not exist", { $0 == 0 }),
        "DoesNotExist": ("values set must be empty for exists and does not exist", { $0 == 0 }),
        "Gt": ("for 'Gt', 'Lt' operators, exactly one value is required", { $0 == 1 }),
        "Lt": ("for 'Gt', 'Lt' operators, exactly one value is required", { $0 == 1 }),
    ]

    private static func check(expression: Value, _ path: FieldPath) -> [FieldError] {
        var errors = unknown(expression, ["key", "operator", "values"], path)
        let (key, op, values) = (expression["key"].string ?? "", expression["operator"].string ?? "", expression["values"])
        guard let rule = operators[op] else {
            return errors + [.notSupported(path.child("operator"), .string(op), names)]
        }
        errors += Names.qualifiedName(key).map { .invalid(path.child("key"), .string(key), $0) }
        if !rule.takes(values.elements.count) { errors.append(.invalid(path.child("values"), values, rule.words)) }
        for (index, value) in values.elements.enumerated() {
            let (text, place) = (value.string ?? "", path.child("values").index(index))
            errors += Names.labelValue(text).map { .invalid(place, .string(text), $0) }
            if ["Gt", "Lt"].contains(op), Int64(text) == nil {
                errors.append(.invalid(place, .string(text), "for 'Gt', 'Lt' operators, the value must be an integer"))
            }
        }
        return errors
    }

    private static func check(field: Value, _ path: FieldPath) -> [FieldError] {
        let (op, values) = (field["operator"].string ?? "", field["values"])
        var errors = unknown(field, ["key", "operator", "values"], path)
        if !["In", "NotIn"].contains(op) {
            errors.append(.notSupported(path.child("operator"), .string(op), ["In", "NotIn"]))
        } else if values.elements.count != 1 {
            errors.append(.invalid(path.child("values"), values, "must have one element"))
        }
        // The one field of a Node that can be selected by.
        if field["key"].string != "metadata.name" {
            errors.append(.notSupported(path.child("key"), field["key"], ["metadata.name"]))
        }
        return errors
    }
}
