import APIModel
import CEL
import OrderedCollections

/// The `x-kubernetes-validations` of a custom kind: expressions about its objects, compiled once for a version of its definition.
///
/// Immutable; shared by all writes. What all rules cost for one object is bounded, so that no object holds a write up.
final class CustomRules: Sendable {
    private let type: SchemaType
    private let rules: [Rule]
    /// Parts of the schema that have rules in them, and those alone.
    private let properties: [(name: String, rules: CustomRules)]
    private let items: CustomRules?
    private let listKeys: [String]
    private let additional: CustomRules?
    private let typeWord: String
    /// Whether there are rules here or further in that speak of the state before.
    private let hasTransitions: Bool

    struct Rule: Sendable {
        var text: String
        var message: String
        var messageProgram: Program?
        var reason: String
        var fieldPath: [String]
        var program: Program
        /// Whether it speaks of the state before, and is asked on updates alone.
        var isTransition: Bool
        /// Whether it speaks of a state before that need not be.
        var hasOptionalOld: Bool
    }

    private init(_ schema: Value, isRoot: Bool) throws(CompilationError) {
        let type = SchemaType(schema, isResourceRoot: isRoot)
        self.type = type
        typeWord = schema["type"].string ?? ""
        var rules: [Rule] = []
        for given in schema["x-kubernetes-validations"].elements { rules.append(try Self.compile(given, type)) }
        self.rules = rules
        var properties: [(String, CustomRules)] = []
        for (name, inner) in schema["properties"].fields {
            if let found = try Self.make(inner, isRoot: inner["x-kubernetes-embedded-resource"].bool ?? false) {
                properties.append((name, found))
            }
        }
        self.properties = properties
        items = try Self.make(schema["items"], isRoot: false)
        additional = try Self.make(schema["additionalProperties"], isRoot: false)
        hasTransitions =
            rules.contains(where: \.isTransition) || properties.contains { $0.1.hasTransitions } || (items?.hasTransitions ?? false)
            || (additional?.hasTransitions ?? false)
        listKeys =
            schema["x-kubernetes-list-type"].string == "map" ? schema["x-kubernetes-list-map-keys"].elements.compactMap(\.string) : []
    }

    /// The rules of a schema, `nil` where there is none in it.
    static func make(_ schema: Value, isRoot: Bool = true) throws(CompilationError) -> CustomRules? {
        guard case .object = schema, has(schema) else { return nil }
        return try CustomRules(schema, isRoot: isRoot)
    }

    private static func has(_ schema: Value) -> Bool {
        guard case .object = schema else { return false }
        return !schema["x-kubernetes-validations"].isEmpty || has(schema["items"]) || has(schema["additionalProperties"])
            || schema["properties"].fields.contains { has($0.value) }
    }

    private static func compile(_ given: Value, _ type: SchemaType) throws(CompilationError) -> Rule {
        let hasOptionalOld = given["optionalOldSelf"].bool ?? false
        let declared = type.declared ?? .dyn
        let environment = Environment.kubernetes.with([
            Variable("self", declared), Variable("oldSelf", hasOptionalOld ? .optional(declared) : declared),
        ])
        let program = try environment.compile(given["rule"].string ?? "")
        var messageProgram: Program?
        if let expression = given["messageExpression"].string { messageProgram = try environment.compile(expression) }
        return Rule(
            text: given["rule"].string ?? "", message: given["message"].string ?? "", messageProgram: messageProgram,
            reason: given["reason"].string ?? "FieldValueInvalid",
            fieldPath: (given["fieldPath"].string ?? "").split(separator: ".").map(String.init), program: program,
            isTransition: program.uses("oldSelf"), hasOptionalOld: hasOptionalOld)
    }

    // MARK: Objects

    /// What the rules have against an object that replaces `old`.
    /// - Parameter path: where the value stands, in what is told.
    func validate(_ object: Value, old: Value?, at path: FieldPath = FieldPath()) -> [FieldError] {
        var errors: [FieldError] = []
        var budget = CostLimit.perRequest
        ExpressionMetrics.shared.evaluating { validate(object, old: old, isUnchanged: false, path, &budget, &errors) }
        return errors
    }

    private func validate(
        _ value: Value, old: Value?, isUnchanged: Bool, _ path: FieldPath, _ budget: inout UInt64, _ errors: inout [FieldError]
    ) {
        if value.isNull { return }
        // What did not change was let in before, by whichever rules there were; only those that compare have something to say of it.
        let isUnchanged = isUnchanged || (old != nil && old == value)
        if isUnchanged, !hasTransitions { return }
        for rule in rules where budget > 0 && (!isUnchanged || rule.isTransition) { judge(rule, value, old, path, &budget, &errors) }
        switch value {
        case .object(let fields):
            for (name, rules) in properties {
                guard let field = fields[name] else { continue }
                rules.validate(field, old: old?[present: name], isUnchanged: isUnchanged, path.child(name), &budget, &errors)
            }
            if let additional {
                for (name, field) in fields {
                    additional.validate(field, old: old?[present: name], isUnchanged: isUnchanged, path.key(name), &budget, &errors)
                }
            }
        case .array(let elements):
            guard let items else { return }
            for (index, element) in elements.enumerated() {
                items.validate(
                    element, old: twin(of: element, in: old), isUnchanged: isUnchanged, path.index(index), &budget, &errors)
            }
        default: return
        }
    }

    /// The element that was there before under the same key; elements of other lists have no identity.
    private func twin(of element: Value, in old: Value?) -> Value? {
        guard !listKeys.isEmpty, let old else { return nil }
        return old.elements.first { before in listKeys.allSatisfy { before[$0] == element[$0] } }
    }

    private func judge(
        _ rule: Rule, _ value: Value, _ old: Value?, _ path: FieldPath, _ budget: inout UInt64, _ errors: inout [FieldError]
    ) {
        if rule.isTransition, old == nil, !rule.hasOptionalOld { return }
        let place = rule.fieldPath.reduce(path) { $0.child($1) }
        let available = budget
        do {
            var variables: Variables = ["self": try CELValue(value, type)]
            let before = try old.map { old throws(EvaluationError) in try CELValue(old, type) }
            if rule.hasOptionalOld {
                variables["oldSelf"] = before.map(CELValue.optional(of:)) ?? CELValue.none
            } else if let before {
                variables["oldSelf"] = before
            }
            var spending = Budget(limit: min(budget, CostLimit.perCall))
            defer { budget -= min(budget, spending.spent) }
            guard case .bool(let holds) = try rule.program.evaluate(variables, budget: &spending), !holds else { return }
            errors.append(error(rule, place, message(rule, variables, &spending)))
        } catch {
            let shown = (rule.message.isEmpty ? rule.text : rule.message).trimmed
            guard error.kind == .costLimit else {
                let message =
                    error.message.hasPrefix("no such overload")
                    ? "'\(error.message)': call arguments did not match a supported operator, function or macro signature for rule: \(shown)"
                    : "\(error.message) evaluating rule: \(shown)"
                errors.append(.invalid(path, .string(typeWord), message))
                return
            }
            // What is left of the budget may be less than one rule may cost.
            let message =
                available < CostLimit.perCall
                ? "validation failed due to running out of cost budget, no further validation rules will be run"
                : "'\(error.message)': no further validation rules will be run due to call cost exceeds limit for rule: \(shown)"
            errors.append(.invalid(path, .string(typeWord), message))
            budget = 0
        }
    }

    private func message(_ rule: Rule, _ variables: Variables, _ spending: inout Budget) -> String {
        if let program = rule.messageProgram, case .string(let text)? = try? program.evaluate(variables, budget: &spending) {
            let trimmed = text.trimmed
            if !trimmed.isEmpty, !trimmed.contains("\n"), trimmed.utf8.count <= CostLimit.longestMessage { return trimmed }
        }
        return rule.message.isEmpty ? "failed rule: \(rule.text.trimmed)" : rule.message.trimmed
    }

    private func error(_ rule: Rule, _ path: FieldPath, _ message: String) -> FieldError {
        switch rule.reason {
        case "FieldValueForbidden": .forbidden(path, message)
        case "FieldValueRequired": .required(path, message)
        case "FieldValueDuplicate": FieldError(.duplicate, path, .string(typeWord), message)
        default: .invalid(path, .string(typeWord), message)
        }
    }

    // MARK: Definitions

    /// What is wrong with the rules that a definition's schema has, and with what they may cost.
    static func problems(in schema: Value, _ path: FieldPath) -> [FieldError] {
        var errors: [FieldError] = []
        var total = TotalCost()
        problems(in: schema, path, isRoot: true, times: 1, &total, &errors)
        if let refusal = CostLimit.refusal(
            of: total.sum, limit: CostLimit.perSchema,
            what: "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema")
        {
            let why = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
            errors += total.highest.map { .forbidden($0.path, why) } + [.forbidden(path, refusal)]
        }
        return errors
    }

    /// What all rules of a schema may cost together, and those that cost most.
    private struct TotalCost {
        private(set) var sum: UInt64 = 0
        private(set) var highest: [(path: FieldPath, cost: UInt64)] = []
        private static let told = 4

        mutating func add(_ cost: UInt64, at path: FieldPath) {
            sum = sum.addingReportingOverflow(cost).overflow ? .max : sum + cost
            let place = highest.firstIndex { $0.cost < cost } ?? highest.count
            highest.insert((path, cost), at: place)
            if highest.count > Self.told { highest.removeLast() }
        }
    }

    /// Whether there is a field of the schema at a rule's `fieldPath`: `.spec.name` or `.labels['a.b']`.
    private static func isValid(_ path: String, in schema: Value) -> Bool {
        var (rest, schema) = (path[...], schema)
        while let first = rest.popFirst() {
            let name: Substring
            if first == "." {
                name = rest.prefix { $0 != "." && $0 != "[" }
                rest = rest.dropFirst(name.count)
            } else if first == "[", rest.popFirst() == "'", let end = rest.firstIndex(of: "'") {
                name = rest[..<end]
                rest = rest[end...].dropFirst()
                guard rest.popFirst() == "]" else { return false }
            } else {
                return false
            }
            guard !name.isEmpty, let next = schema["properties"][present: String(name)] ?? schema[present: "additionalProperties"],
                case .object = next
            else { return false }
            schema = next
        }
        return true
    }

    /// A rule as Go shows it.
    private static func shown(_ rule: Value) -> Value {
        let zero: GoStructure.Zero = [
            "rule": "", "message": "", "messageExpression": "", "reason": .null, "fieldPath": "", "optionalOldSelf": .null,
        ]
        return GoStructure.show(rule, zero: zero)
    }

    private static func problems(
        in schema: Value, _ path: FieldPath, isRoot: Bool, times: UInt64, _ total: inout TotalCost, _ errors: inout [FieldError]
    ) {
        guard case .object = schema, has(schema) else { return }
        let type = SchemaType(schema, isResourceRoot: isRoot)
        for (index, given) in schema["x-kubernetes-validations"].elements.enumerated() {
            let place = path.child("x-kubernetes-validations").index(index)
            if let target = given["fieldPath"].string, !target.isEmpty, !isValid(target, in: schema) {
                errors.append(.invalid(place.child("fieldPath"), .string(target), "must be a valid path"))
            }
            do {
                let rule = try compile(given, type)
                if let optional = given["optionalOldSelf"].bool, !rule.isTransition {
                    errors.append(
                        .invalid(place.child("optionalOldSelf"), .bool(optional), "may not be set if oldSelf is not used in rule"))
                }
                guard rule.program.type == .bool else {
                    errors.append(.invalid(place.child("rule"), shown(given), "cel expression must evaluate to a bool"))
                    continue
                }
                if let program = rule.messageProgram, program.type != .string {
                    errors.append(
                        .invalid(
                            place.child("messageExpression"), shown(given), "messageExpression must evaluate to a string"))
                }
                if let cost = rule.messageProgram?.cost.max {
                    total.add(cost, at: place.child("messageExpression"))
                    if let refusal = CostLimit.refusal(of: cost, limit: CostLimit.perExpression, what: "estimated messageExpression cost") {
                        errors.append(.forbidden(place.child("messageExpression"), refusal))
                    }
                }
                let cost = CostLimit.total(rule.program.cost.max, times: times)
                total.add(cost, at: place.child("rule"))
                if let refusal = CostLimit.refusal(of: cost, limit: CostLimit.perExpression, what: "estimated rule cost") {
                    errors.append(.forbidden(place.child("rule"), refusal))
                }
            } catch {
                errors.append(.invalid(place.child("rule"), shown(given), error.description))
            }
        }
        for (name, child) in schema["properties"].fields {
            problems(
                in: child, path.child("properties").key(name), isRoot: child["x-kubernetes-embedded-resource"].bool ?? false, times: times,
                &total, &errors)
        }
        for (name, most) in [("items", "maxItems"), ("additionalProperties", "maxProperties")] {
            guard case .object = schema[name] else { continue }
            let count = schema[most].int.map { UInt64($0) } ?? SchemaType(schema[name]).maxCardinality
            problems(in: schema[name], path.child(name), isRoot: false, times: CostLimit.total(count, times: times), &total, &errors)
        }
    }
}

extension Value {
    /// The field, `nil` where there is none.
    fileprivate subscript(present name: String) -> Value? { fields[name] }
}
