internal import OrderedCollections

/// One demand on one field.
struct Constraint: Sendable {
    typealias Check = @Sendable (Value, FieldPath, inout [FieldError]) -> Void

    var field: String
    var check: Check
    /// The values that there are, where those are all.
    var choices: [String] = []

    /// - Parameter words: the name of the check and its arguments, as `ConstraintTable` has them.
    init(field: String, words: [String]) {
        self.field = field
        let arguments = Array(words.dropFirst())
        switch words[0] {
        case "enum":
            check = Self.oneOf(arguments)
            choices = arguments
        case "known":
            // Checked elsewhere, or said by the server alone.
            check = { _, _, _ in }
            choices = arguments
        case "atLeast": check = Self.range(Whole(arguments[0]) ?? 0, nil, arguments.dropFirst())
        case "atMost": check = Self.range(nil, Whole(arguments[0]) ?? .max, arguments.dropFirst())
        case "range": check = Self.range(Whole(arguments[0]) ?? 0, Whole(arguments[1]) ?? .max, arguments.dropFirst(2))
        case "port": check = { value, path, errors in if let int = value.int { Self.add(Names.port(int), value, path, &errors) } }
        case "portOrZero":
            check = { value, path, errors in
                if let int = value.int, int != 0 { Self.add(Names.port(int), value, path, &errors) }
            }
        case "portOrName": check = Self.portOrName
        case "labels": check = Self.labels
        case "annotations": check = { value, path, errors in ObjectMetaRules.annotations(value, path, &errors) }
        case "maxItems": check = Self.maxItems(Int(arguments[0]) ?? 0)
        case "each":
            let inner = Constraint(field: field, words: arguments).check
            check = { value, path, errors in
                for (index, element) in value.elements.enumerated() { inner(element, path.index(index), &errors) }
            }
        case "all":
            let inner = Constraint(field: field, words: arguments).check
            check = { value, path, errors in for element in value.elements { inner(element, path, &errors) } }
        case "intOrPercent": check = Self.intOrPercent(arguments.isEmpty ? .max : 100)
        case "quantities": check = Self.quantities
        case "absolutePath":
            check = { value, path, errors in
                if value.string?.hasPrefix("/") == false { errors.append(.invalid(path, value, "must be an absolute path")) }
            }
        case "relativePath": check = { value, path, errors in Self.relativePath(value, path, &errors) }
        case "ownPath": check = Self.ownPath
        case let name:
            guard let format = Self.formats[name] else { preconditionFailure("no check is named \(name)") }
            check = { value, path, errors in
                guard let text = value.string, !text.isEmpty else { return }
                Self.add(format(text), value, path, &errors)
            }
        }
    }

    private static let formats: [String: @Sendable (String) -> [String]] = [
        "dnsLabel": { Names.dnsLabel($0) }, "dnsSubdomain": { Names.dnsSubdomain($0) }, "dns1035": { Names.dns1035Label($0) },
        "qualifiedName": { Names.qualifiedName($0) },
        "labelValue": { Names.labelValue($0) }, "portName": { Names.portName($0) }, "ip": { Names.ip($0) }, "cidr": { Names.cidr($0) },
        "canonicalCIDR": { Names.canonicalCIDR($0) },
        "envName": { Names.environmentName($0) },
        "configMapKey": { Names.configMapKey($0) }, "pathSegment": { Names.pathSegment($0) },
    ]

    static func add(_ problems: [String], _ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        for problem in problems { errors.append(.invalid(path, value, problem)) }
    }

    private static func oneOf(_ values: [String]) -> Check {
        { value, path, errors in
            if let text = value.string, !text.isEmpty, !values.contains(text) { errors.append(.notSupported(path, value, values)) }
        }
    }

    /// - Parameter words: how a number outside is refused, where not in the words of most.
    private static func range(_ low: Whole?, _ high: Whole?, _ words: ArraySlice<String>) -> Check {
        let usual =
            switch (low, high) {
            case (let low?, let high?): "must be between \(low) and \(high), inclusive"
            case (1?, nil): "must be greater than zero"
            case (let low?, nil): "must be greater than or equal to \(low)"
            case (nil, let high): "must be less than or equal to \(high ?? .max)"
            }
        let message = words.isEmpty ? usual : words.joined(separator: " ")
        return { value, path, errors in
            guard let int = value.int, int < low ?? .min || int > high ?? .max else { return }
            errors.append(.invalid(path, value, message))
        }
    }

    private static let portOrName: Check = { value, path, errors in
        if let int = value.int {
            add(Names.port(int), value, path, &errors)
        } else if let name = value.string {
            add(Names.portName(name), value, path, &errors)
        }
    }

    static let labels: Check = { value, path, errors in
        for (key, label) in value.fields {
            add(Names.qualifiedName(key), .string(key), path, &errors)
            if let text = label.string { add(Names.labelValue(text), label, path, &errors) }
        }
    }

    private static func maxItems(_ limit: Int) -> Check {
        { value, path, errors in
            let count = value.elements.count
            if count > limit { errors.append(.tooMany(path, count: count, limit: limit)) }
        }
    }

    private static func intOrPercent(_ most: Whole) -> Check {
        { value, path, errors in
            if let int = value.int, int < 0 { errors.append(.invalid(path, value, "must be greater than or equal to 0")) }
            guard let text = value.string else { return }
            let problems = Names.percentOrNumber(text)
            add(problems, value, path, &errors)
            // More digits than a number has are more than any number.
            if problems.isEmpty, Whole(text.dropLast()) ?? .max > most {
                errors.append(.invalid(path, value, "must not be greater than 100%"))
            }
        }
    }

    private static let quantities: Check = { value, path, errors in
        for (name, amount) in value.fields {
            guard let text = amount.string, let quantity = try? Quantity(text) else { continue }
            if quantity.signum < 0 { errors.append(.invalid(path.key(name), amount, "must be greater than or equal to 0")) }
        }
    }

    /// A path that stays below where it starts.
    static func relativePath(_ value: Value, _ path: FieldPath, _ errors: inout [FieldError]) {
        guard let text = value.string, !text.isEmpty else { return }
        if text.hasPrefix("/") { errors.append(.invalid(path, value, "must be a relative path")) }
        if text.split(separator: "/").contains("..") { errors.append(.invalid(path, value, "must not contain '..'")) }
    }

    /// A path below a volume, where names with two dots in front are the kubelet's.
    static let ownPath: Check = { value, path, errors in
        relativePath(value, path, &errors)
        if let text = value.string, text.hasPrefix(".."), !text.hasPrefix("../") {
            errors.append(.invalid(path, value, "must not start with '..'"))
        }
    }
}
