/// What is wrong with one field of an object, said as upstream's `field.Error` says it.
public struct FieldError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Kind: Sendable, Hashable {
        case notFound, required, duplicate, invalid, notSupported, forbidden, tooLong, tooMany, internalError, typeInvalid, omitted

        fileprivate var words: (title: String, reason: String) {
            switch self {
            case .notFound: ("Not found", "FieldValueNotFound")
            case .required: ("Required value", "FieldValueRequired")
            case .duplicate: ("Duplicate value", "FieldValueDuplicate")
            case .invalid: ("Invalid value", "FieldValueInvalid")
            case .notSupported: ("Unsupported value", "FieldValueNotSupported")
            case .forbidden: ("Forbidden", "FieldValueForbidden")
            case .tooLong: ("Too long", "FieldValueTooLong")
            case .tooMany: ("Too many", "FieldValueTooMany")
            case .internalError: ("Internal error", "InternalError")
            case .typeInvalid: ("Invalid value", "FieldValueTypeInvalid")
            case .omitted: ("Invalid value", "FieldValueInvalid")
            }
        }
    }

    public var type: Kind
    /// `spec.containers[0].name`.
    public var field: String
    public var badValue: Value
    public var detail: String

    public init(_ type: Kind, _ field: FieldPath, _ badValue: Value = .null, _ detail: String = "") {
        self.type = type
        self.field = field.description
        self.badValue = badValue
        self.detail = detail
    }

    public static func required(_ field: FieldPath, _ detail: String = "") -> FieldError {
        FieldError(.required, field, .string(""), detail)
    }
    public static func invalid(_ field: FieldPath, _ value: Value, _ detail: String) -> FieldError {
        FieldError(.invalid, field, value, detail)
    }
    /// An `invalid` that does not show the value.
    public static func omitted(_ field: FieldPath, _ detail: String) -> FieldError { FieldError(.omitted, field, .null, detail) }
    public static func typeInvalid(_ field: FieldPath, _ type: String, _ detail: String) -> FieldError {
        FieldError(.typeInvalid, field, .string(type), detail)
    }
    public static func forbidden(_ field: FieldPath, _ detail: String) -> FieldError { FieldError(.forbidden, field, .string(""), detail) }
    public static func duplicate(_ field: FieldPath, _ value: Value) -> FieldError { FieldError(.duplicate, field, value) }
    public static func notFound(_ field: FieldPath, _ value: Value) -> FieldError { FieldError(.notFound, field, value) }
    public static func notSupported(_ field: FieldPath, _ value: Value, _ supported: [String]) -> FieldError {
        FieldError(
            .notSupported, field, value, supported.isEmpty ? "" : "supported values: " + supported.map(quoted).joined(separator: ", "))
    }
    public static func tooLong(_ field: FieldPath, limit: Int) -> FieldError {
        FieldError(.tooLong, field, .string(""), "may not be more than \(limit) bytes")
    }
    public static func tooMany(_ field: FieldPath, count: Int, limit: Int) -> FieldError {
        FieldError(.tooMany, field, .int(Int64(count)), "must have at most \(limit) \(limit == 1 ? "item" : "items")")
    }

    /// `spec.replicas: Invalid value: -1: must be greater than or equal to 0`
    public var message: String { "\(field): \(body)" }
    public var description: String { message }

    /// The message without the field.
    public var body: String {
        var text = type.words.title
        switch type {
        case .required, .forbidden, .tooLong, .internalError, .omitted: break
        case .notFound, .duplicate, .invalid, .notSupported, .tooMany, .typeInvalid: text += ": " + Self.show(badValue)
        }
        return detail.isEmpty ? text : "\(text): \(detail)"
    }

    /// An entry of `details.causes`.
    public var cause: Value { ["reason": .string(type.words.reason), "message": .string(body), "field": .string(field)] }

    /// A string in quotes as Go's `%q` writes it.
    public static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                let hex = String(scalar.value, radix: 16)
                result += "\\x" + String(repeating: "0", count: 2 - hex.count) + hex
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private static func show(_ value: Value) -> String {
        switch value {
        case .string(let text): quoted(text)
        case .null: "null"
        case .bool(let bool): String(bool)
        case .int(let int): String(int)
        case .double(let double): double == double.rounded() && abs(double) < 1e15 ? String(Whole(double)) : String(double)
        // As Go writes JSON, which shall be safe in HTML.
        case .array, .object:
            String(decoding: JSON.encode(value), as: UTF8.self).replacing("<", with: "\\u003c").replacing(">", with: "\\u003e")
                .replacing("&", with: "\\u0026")
        }
    }
}

/// The way to a field, written as upstream writes it: `spec.ports[0].targetPort`, `metadata.labels[app]`.
public struct FieldPath: Sendable, Hashable, CustomStringConvertible, ExpressibleByStringLiteral {
    public var description: String

    public init(_ path: String = "") { description = path }
    public init(stringLiteral path: String) { description = path }

    public func child(_ names: String...) -> FieldPath {
        let tail = names.joined(separator: ".")
        return FieldPath(description.isEmpty ? tail : "\(description).\(tail)")
    }
    public func index(_ index: Int) -> FieldPath { FieldPath("\(description)[\(index)]") }
    public func key(_ key: String) -> FieldPath { FieldPath("\(description)[\(key)]") }
}

extension APIError {
    /// `Deployment.apps "x" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0`, as a 422 with one cause for
    /// each error.
    public static func invalid(group: String, kind: String, name: String, errors: [FieldError]) -> APIError {
        var seen: Set<String> = []
        let messages = errors.map(\.message).filter { seen.insert($0).inserted }
        let qualified = group.isEmpty ? kind : "\(kind).\(group)"
        var message = "\(qualified) \(FieldError.quoted(name)) is invalid"
        if messages.count == 1 { message += ": \(messages[0])" }
        if messages.count > 1 { message += ": [\(messages.joined(separator: ", "))]" }
        return APIError(
            code: 422, reason: .invalid, message: message,
            details: [
                "name": name.isEmpty ? .null : .string(name), "group": group.isEmpty ? .null : .string(group),
                "kind": kind.isEmpty ? .null : .string(kind),
                "causes": .array(errors.map(\.cause)),
            ])
    }
}
