/// Chooses objects by a few of their fields: what `--field-selector` and `fieldSelector=` say.
public struct FieldSelector: Sendable, Hashable {
    public struct Requirement: Sendable, Hashable {
        public var field: String
        public var isEqual: Bool
        public var value: String
    }

    public private(set) var requirements: [Requirement] = []

    /// Matches everything.
    public init() {}

    public init(field: String, equals value: String) { requirements = [Requirement(field: field, isEqual: true, value: value)] }

    /// Reads `a=b,c!=d`, where `\` escapes a comma, an equals sign or itself.
    /// - Throws: a `BadRequest`. Whether a kind has the fields is told by `check`.
    public init(parsing text: String) throws(APIError) {
        for term in Self.terms(text) where !term.isEmpty {
            guard let (field, symbol, value) = Self.split(term) else {
                throw APIError.badRequest("invalid selector: '\(text)'; can't understand '\(term)'")
            }
            requirements.append(Requirement(field: field, isEqual: symbol != "!=", value: try Self.unescape(value)))
        }
    }

    public var isEmpty: Bool { requirements.isEmpty }

    /// The value that every match must have in `field`, `nil` where the selector leaves it open.
    public func required(_ field: String) -> String? { requirements.first { $0.field == field && $0.isEqual }?.value }

    /// What the selector asks of stored objects of a kind, made ready to ask many.
    /// - Throws: a `BadRequest` for a field the kind cannot be selected by.
    public func test(for resource: ResourceType) throws(APIError) -> FieldTest {
        var test = FieldTest()
        for requirement in requirements {
            guard let field = resource.selectableField(requirement.field) else {
                throw Self.unsupported(requirement.field, resource)
            }
            test.parts.append(FieldTest.Part(field: field, isEqual: requirement.isEqual, value: requirement.value))
        }
        return test
    }

    private static func unsupported(_ field: String, _ resource: ResourceType) -> APIError {
        let quoted = FieldError.quoted(field)
        guard resource.selectableFields != nil else {
            return .badRequest("\(quoted) is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
        }
        return switch (resource.group, resource.kind) {
        case ("batch", "Job"): .badRequest("field label \(quoted) not supported for Job")
        case ("resource.k8s.io", let kind):
            .badRequest("field label not supported for \(resource.groupVersion), Kind=\(kind): \(field)")
        default: .badRequest("field label not supported: \(field)")
        }
    }

    private static func terms(_ text: String) -> [String] {
        var terms = [""]
        var isEscaped = false
        for character in text {
            if isEscaped {
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "," {
                terms.append("")
                continue
            }
            terms[terms.count - 1].append(character)
        }
        return terms
    }

    private static func split(_ term: String) -> (field: String, symbol: String, value: String)? {
        for index in term.indices {
            for symbol in ["!=", "==", "="] where term[index...].hasPrefix(symbol) {
                return (String(term[..<index]), symbol, String(term[index...].dropFirst(symbol.count)))
            }
        }
        return nil
    }

    private static func unescape(_ text: String) throws(APIError) -> String {
        var result = ""
        var isEscaped = false
        for character in text {
            if isEscaped {
                guard [",", "=", "\\"].contains(character) else {
                    throw APIError.badRequest("invalid field selector: invalid escape sequence: \\\(character)")
                }
                result.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "=" || character == "," {
                // Go shows it as a number.
                let code = character == "=" ? 61 : 44
                throw APIError.badRequest("invalid field selector: unescaped character in value: \(code)")
            } else {
                result.append(character)
            }
        }
        if isEscaped { throw APIError.badRequest("invalid field selector: invalid escape sequence: \\") }
        return result
    }
}

/// A field selector for one kind. Asking it costs no more than reading the fields.
public struct FieldTest: Sendable {
    public struct Part: Sendable {
        public var field: SelectableField
        public var isEqual: Bool
        public var value: String
    }

    public internal(set) var parts: [Part] = []

    /// Whether a stored object has what is asked. A field that is not there counts as empty, or as the kind's fields say.
    public func accepts(_ object: Value) -> Bool {
        parts.allSatisfy { ($0.field.path.text(in: object) == $0.value) == $0.isEqual }
    }
}
