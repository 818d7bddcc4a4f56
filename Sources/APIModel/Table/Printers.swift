internal import OrderedCollections

/// The cells of each kind by the names of its columns. `Name` and `Age` need no mention where they are what they always are.
enum Printers {
    typealias Printer = @Sendable (Value, PrintContext) -> [String: Value]

    /// By `group/Kind`.
    static let printers: [String: Printer] = {
        var printers: [String: Printer] = [:]
        for table in [workloads, network, cluster, storage, policy, others, plugins] { printers.merge(table) { $1 } }
        return printers
    }()

    static let none = "<none>"
    static let unset = "<unset>"
    static let unknown = "<unknown>"

    static func text(_ value: Value, or fallback: String = "") -> Value {
        guard let text = value.string, !text.isEmpty else { return .string(fallback) }
        return .string(text)
    }

    static func count(_ value: Value) -> Value { .int(value.int ?? 0) }
    static func boolean(_ value: Value) -> Value { .bool(value.bool ?? false) }

    /// `True`, `False`, or `<unset>`.
    static func optionalBoolean(_ value: Value) -> Value { .string(value.bool.map { $0 ? "True" : "False" } ?? unset) }

    /// A number or percentage.
    static func intOrString(_ value: Value, or fallback: String) -> Value {
        if let int = value.int { return .string(String(int)) }
        return text(value, or: fallback)
    }

    /// `a=b,c=d`
    static func labels(_ value: Value) -> Value {
        let pairs = value.strings.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        return .string(pairs.isEmpty ? none : pairs.joined(separator: ","))
    }

    static func selector(_ value: Value) -> Value {
        guard let selector = try? LabelSelector(value) else { return "<error>" }
        if value.isNull || selector.isEmpty { return .string(none) }
        return .string(selector.description)
    }

    /// The wide columns of everything that has a pod template.
    static func template(_ spec: Value, _ cells: [String: Value]) -> [String: Value] {
        var cells = cells
        cells["Containers"] = .string(names(spec["containers"], "name"))
        cells["Images"] = .string(names(spec["containers"], "image"))
        return cells
    }

    static func names(_ list: Value, _ field: String) -> String { list.elements.map { $0[field].string ?? "" }.joined(separator: ",") }

    /// At most three, then `a,b,c + 2 more...`.
    static func firstThree(_ items: [String], ifEmpty: String) -> String {
        if items.isEmpty { return ifEmpty }
        let shown = items.prefix(3).joined(separator: ",")
        return items.count > 3 ? "\(shown) + \(items.count - 3) more..." : shown
    }

    static func condition(_ object: Value, _ type: String) -> Value {
        object["status"]["conditions"].elements.first { $0["type"].string == type } ?? .null
    }
}
