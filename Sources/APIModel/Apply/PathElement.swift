internal import OrderedCollections

/// One step of the way to a field: a name, an element of a list by its keys or by its value, or by its place.
///
/// Sorted as Kubernetes writes them: names, keys, values, places.
public enum PathElement: Sendable, Hashable {
    case field(String)
    /// Sorted by name.
    case keys([Key])
    case value(Value)
    case index(Int)

    public struct Key: Sendable, Hashable {
        public var name: String
        public var value: Value

        public init(_ name: String, _ value: Value) {
            self.name = name
            self.value = value
        }
    }
}

extension PathElement: Comparable {
    public static func < (a: PathElement, b: PathElement) -> Bool { order(a, b) < 0 }

    /// Below, equal to or above 0.
    static func order(_ a: PathElement, _ b: PathElement) -> Int {
        switch (a, b) {
        case (.field(let a), .field(let b)): order(a, b)
        case (.keys(let a), .keys(let b)): order(a, b)
        case (.value(let a), .value(let b)): Value.order(a, b)
        case (.index(let a), .index(let b)): a < b ? -1 : a == b ? 0 : 1
        default: a.rank - b.rank
        }
    }

    private var rank: Int {
        switch self {
        case .field: 0
        case .keys: 1
        case .value: 2
        case .index: 3
        }
    }

    private static func order(_ a: String, _ b: String) -> Int { a == b ? 0 : a < b ? -1 : 1 }

    private static func order(_ a: [Key], _ b: [Key]) -> Int {
        for (x, y) in zip(a, b) {
            let names = order(x.name, y.name)
            if names != 0 { return names }
            let values = Value.order(x.value, y.value)
            if values != 0 { return values }
        }
        return a.count - b.count
    }
}

// MARK: Text

extension PathElement {
    /// What is wrong with the text of a step.
    struct Malformed: Error, CustomStringConvertible {
        var description: String
    }

    /// As a name in `fieldsV1`: `f:spec`, `k:{"name":"web"}`, `v:"a"`, `i:0`.
    var text: String {
        switch self {
        case .field(let name): "f:" + name
        case .keys(let keys):
            "k:" + Self.json(.object(Value.Fields(keys.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })))
        case .value(let value): "v:" + Self.json(value)
        case .index(let index): "i:\(index)"
        }
    }

    /// JSON with the escapes that Go adds for HTML, because the text is compared.
    private static func json(_ value: Value) -> String {
        let bytes = JSON.encode(value)
        guard bytes.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") || $0 == UInt8(ascii: "&") }) else {
            return String(decoding: bytes, as: UTF8.self)
        }
        var escaped = ""
        for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
            switch scalar {
            case "<": escaped += "\\u003c"
            case ">": escaped += "\\u003e"
            case "&": escaped += "\\u0026"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// - Returns: `nil` for a kind of step that a later version may know.
    init?(text: String) throws(Malformed) {
        let bytes = text.utf8
        guard bytes.count >= 2 else { throw Malformed(description: "key must be 2 characters long:") }
        let colon = bytes.index(after: bytes.startIndex)
        guard bytes[colon] == UInt8(ascii: ":") else { throw Malformed(description: "missing colon: \(text)") }
        let rest = text[bytes.index(after: colon)...]
        switch bytes[bytes.startIndex] {
        case UInt8(ascii: "f"): self = .field(String(rest))
        case UInt8(ascii: "v"): self = .value(try Self.decode(rest))
        case UInt8(ascii: "k"):
            guard case .object(let fields) = try Self.decode(rest) else {
                throw Malformed(description: "keys of a list are an object: \(text)")
            }
            self = .keys(fields.map { Key($0.key, $0.value) }.sorted { $0.name < $1.name })
        case UInt8(ascii: "i"):
            guard let index = Int(rest) else { throw Malformed(description: "parsing \(FieldError.quoted(String(rest))): invalid syntax") }
            self = .index(index)
        default: return nil
        }
    }

    private static func decode(_ text: Substring) throws(Malformed) -> Value {
        do {
            return try JSON.decode(Array(text.utf8))
        } catch {
            throw Malformed(description: "\(error)")
        }
    }
}

extension PathElement: CustomStringConvertible {
    /// As people read it: `.spec`, `[name="web"]`, `[="a"]`, `[0]`.
    public var description: String {
        switch self {
        case .field(let name): ".\(name)"
        case .keys(let keys): "[\(keys.map { "\($0.name)=\(Self.shown($0.value))" }.joined(separator: ","))]"
        case .value(let value): "[=\(Self.shown(value))]"
        case .index(let index): "[\(index)]"
        }
    }

    private static func shown(_ value: Value) -> String {
        if case .string(let text) = value { return FieldError.quoted(text) }
        return String(decoding: JSON.encode(value), as: UTF8.self)
    }
}

extension Value {
    /// A total order: numbers, text, booleans, lists, objects, null; numbers by their size, whichever way they are kept.
    static func order(_ a: Value, _ b: Value) -> Int {
        switch (a, b) {
        case (.int(let a), .int(let b)): return a < b ? -1 : a == b ? 0 : 1
        case (.string(let a), .string(let b)): return a == b ? 0 : a < b ? -1 : 1
        case (.bool(let a), .bool(let b)): return a == b ? 0 : b ? -1 : 1
        case (.array(let a), .array(let b)):
            for (x, y) in zip(a, b) {
                let order = order(x, y)
                if order != 0 { return order }
            }
            return a.count - b.count
        case (.object(let a), .object(let b)):
            for (x, y) in zip(a.elements.sorted { $0.key < $1.key }, b.elements.sorted { $0.key < $1.key }) {
                if x.key != y.key { return x.key < y.key ? -1 : 1 }
                let order = order(x.value, y.value)
                if order != 0 { return order }
            }
            return a.count - b.count
        default:
            if let a = a.number, let b = b.number { return a < b ? -1 : a == b ? 0 : 1 }
            return a.rank - b.rank
        }
    }

    private var rank: Int {
        switch self {
        case .int, .double: 0
        case .string: 1
        case .bool: 2
        case .array: 3
        case .object: 4
        case .null: 5
        }
    }
}
