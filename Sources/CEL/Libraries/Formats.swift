internal import APIModel

extension Library {
    /// Named formats: `format.dns1123Label().validate(name)`.
    static let format = Library(
        "kubernetes.format",
        functions
            + FormatValue.all.map { (format: FormatValue) in
                Function(
                    "format.\(format.function)",
                    Overload.global("format.\(format.function)", [], .namedFormat) { _, _ throws(EvaluationError) in .object(format) })
            })

    private static let functions: [Function] = [
        Function(
            "validate",
            .method(
                "format-validate", [.namedFormat, .string], .optional(.listOfStrings),
                cost: CallCost { a in
                    guard case .object(let format as FormatValue) = a[0] else { return 1 }
                    let text = CallCost.roundedUp((1 + Double(a[1].costSize)) * CostUnit.traversal)
                    return Estimate.saturatingMultiply(text, CallCost.roundedUp(Double(format.patternSize) * CostUnit.pattern))
                } _: {
                    CallEstimate(($0.size(1) * CostUnit.traversal) * (128 * CostUnit.pattern))
                }
            ) { a, _ throws(EvaluationError) in
                let problems = try a.object(0, as: FormatValue.self).validate(a.string(1))
                return problems.isEmpty ? CELValue.none : .optional(of: .list(ListValue(problems.map(CELValue.string))))
            }),
        Function(
            "format.named",
            .global("format-named", [.string], .optional(.namedFormat)) { a, _ throws(EvaluationError) in
                let name = try a.string(0)
                guard let format = FormatValue.all.first(where: { $0.function == name }) else { return CELValue.none }
                return .optional(of: .object(format))
            }),
    ]
}

/// A form that text can have.
final class FormatValue: ObjectValue {
    /// The function that gives it.
    let function: String
    private let name: String
    /// The length of the pattern that it is matched with, or would be.
    let patternSize: Int
    /// What is wrong with a text.
    let validate: @Sendable (String) -> [String]

    private init(_ function: String, _ name: String, patternSize: Int, _ validate: @escaping @Sendable (String) -> [String]) {
        self.function = function
        self.name = name
        self.patternSize = patternSize
        self.validate = validate
    }

    var typeName: String { "kubernetes.NamedFormat" }
    var description: String { "format.\(function)()" }
    func isEqual(to other: CELValue, _ evaluation: Evaluation) throws(EvaluationError) -> Bool {
        guard case .object(let other as FormatValue) = other else { throw .noSuchOverload }
        return name == other.name
    }

    static let all = [
        FormatValue("dns1123Label", "DNS1123Label", patternSize: 30, Names.dnsLabel),
        FormatValue("dns1123Subdomain", "DNS1123Subdomain", patternSize: 60, Names.dnsSubdomain),
        FormatValue("dns1035Label", "DNS1035Label", patternSize: 30, Names.dns1035Label),
        FormatValue("qualifiedName", "QualifiedName", patternSize: 60, Names.qualifiedName),
        FormatValue("dns1123LabelPrefix", "DNS1123LabelPrefix", patternSize: 30) { Names.dnsLabel(completed($0)) },
        FormatValue("dns1123SubdomainPrefix", "DNS1123SubdomainPrefix", patternSize: 60) { Names.dnsSubdomain(completed($0)) },
        FormatValue("dns1035LabelPrefix", "DNS1035LabelPrefix", patternSize: 30) { Names.dns1035Label(completed($0)) },
        FormatValue("labelValue", "LabelValue", patternSize: 40, Names.labelValue),
        FormatValue("uri", "URI", patternSize: 1103) { text in
            do throws(URL.ParseError) {
                _ = try URL(request: text)
                return []
            } catch { return [error.message] }
        },
        FormatValue("uuid", "uuid", patternSize: uuid.pattern.utf8.count) { uuid.matches($0) ? [] : ["does not match the UUID format"] },
        FormatValue("byte", "byte", patternSize: 84) { base64.matches($0) ? [] : ["invalid base64"] },
        FormatValue("date", "date", patternSize: time.pattern.utf8.count) { TimestampValue(date: $0) != nil ? [] : ["invalid date"] },
        FormatValue("datetime", "datetime", patternSize: time.pattern.utf8.count) { isDateTime($0) ? [] : ["invalid datetime"] },
    ]

    /// A prefix that ends with a dash is good if a name is that begins so.
    private static func completed(_ text: String) -> String {
        text.utf8.count > 1 && text.hasSuffix("-") ? String(text.dropLast(2)) + "a" : text
    }

    private static func isDateTime(_ text: String) -> Bool {
        let parts = text.lowercased().split(separator: "t", omittingEmptySubsequences: false)
        guard parts.count > 1, TimestampValue(date: String(parts[0])) != nil, let match = time.captures(in: String(parts[1])),
            let hour = match[1], let minute = match[2], let second = match[3]
        else { return false }
        return hour <= "23" && minute <= "59" && second <= "59"
    }

    private static let uuid = constant("(?i)^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$")
    private static let base64 = constant(
        "^(?:[A-Za-z0-9+\\\\/]{4})*(?:[A-Za-z0-9+\\\\/]{2}==|[A-Za-z0-9+\\\\/]{3}=|[A-Za-z0-9+\\\\/]{4})$")
    private static let time = constant("^([0-9]{2}):([0-9]{2}):([0-9]{2})(.[0-9]+)?(z|([+-][0-9]{2}:[0-9]{2}))$")

    private static func constant(_ pattern: String) -> RegularExpression {
        do throws(PatternError) { return try RegularExpression(pattern) } catch { fatalError("a pattern of ours is none: \(error)") }
    }
}
