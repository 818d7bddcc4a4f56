/// A type as the checker knows it.
public indirect enum CELType: Sendable, Hashable {
    /// Anything; what it is shows when it is evaluated.
    case dyn
    /// As `dyn`, for what a declaration calls any.
    case any
    /// The type of what has been reported as wrong.
    case error
    case null, bool, int, uint, double, string, bytes, duration, timestamp
    /// A scalar that may be null.
    case wrapper(CELType)
    case list(CELType)
    case map(CELType, CELType)
    /// An object with declared fields, or one that only has methods.
    case object(String)
    case opaque(String, [CELType])
    /// The type of types; with a parameter, of this type.
    case type(CELType?)
    /// A parameter of a function's signature.
    case parameter(String)
    /// What a parameter stands for in one call, until the checker knows it.
    case variable(Int)

    public static func optional(_ type: CELType) -> CELType { .opaque("optional_type", [type]) }
}

extension CELType {
    var isDyn: Bool { if case .dyn = self { true } else if case .any = self { true } else { false } }
    var isDynOrError: Bool { isDyn || self == .error }

    /// What an optional holds.
    var unwrapped: CELType? {
        if case .opaque("optional_type", let parameters) = self { parameters.first } else { nil }
    }

    /// The name by which `type(x)` knows it, parameters left out.
    var runtimeName: String {
        switch self {
        case .dyn: "dyn"
        case .any: "google.protobuf.Any"
        case .error: "*error*"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .duration: "google.protobuf.Duration"
        case .timestamp: "google.protobuf.Timestamp"
        case .wrapper(let type): type.runtimeName
        case .list: "list"
        case .map: "map"
        case .object(let name), .opaque(let name, _), .parameter(let name): name
        case .type: "type"
        case .variable(let number): "_var\(number)"
        }
    }

    var parameters: [CELType] {
        switch self {
        case .list(let element): [element]
        case .map(let key, let value): [key, value]
        case .opaque(_, let parameters): parameters
        case .type(let type?): [type]
        default: []
        }
    }

    /// As messages of the checker write it: `list(int)`, `timestamp`, `wrapper(string)`.
    var label: String {
        switch self {
        case .any: return "any"
        case .error: return "!error!"
        case .null: return "null"
        case .duration: return "duration"
        case .timestamp: return "timestamp"
        case .wrapper(let type): return "wrapper(\(type.label))"
        default:
            let parameters = parameters
            return parameters.isEmpty ? runtimeName : "\(runtimeName)(\(parameters.map(\.label).joined(separator: ", ")))"
        }
    }
}

extension CELType: CustomStringConvertible {
    /// As the API reports what an expression evaluates to: `list(int)`, `google.protobuf.Timestamp`.
    public var description: String {
        switch self {
        case .wrapper(let type): return "wrapper(\(type))"
        case .parameter(let name): return "<\(name)>"
        case .variable: return "<\(runtimeName)>"
        default:
            let parameters = parameters
            return parameters.isEmpty ? runtimeName : "\(runtimeName)(\(parameters.map(\.description).joined(separator: ", ")))"
        }
    }
}
