internal import OrderedCollections

/// The JSON paths that columns of custom resources are made of: `.spec.replicas`, `.status.conditions[?(@.type=="Ready")].status`,
/// `.spec.items[*].name`.
enum JSONPath {
    /// The cell of a column. What is not there is `null`, which clients leave blank.
    static func cell(_ object: Value, _ path: String, type: String, _ context: PrintContext) -> Value {
        guard let steps = steps(path) else { return .null }
        let found = steps.reduce([object]) { values, step in values.flatMap { apply(step, $0) } }
        guard let first = found.first, !first.isNull else { return .null }
        switch type {
        case "integer":
            if let int = first.int { return .int(int) }
            return first.string.flatMap { Whole($0) }.map(Value.int) ?? .null
        case "number": return first.number.map(Value.double) ?? .null
        case "boolean": return first.bool.map(Value.bool) ?? .null
        case "date": return first.string == nil ? .string("<unknown>") : .string(context.since(first))
        default: return .string(found.map(text).joined(separator: ","))
        }
    }

    private enum Step {
        case field(String)
        case index(Int)
        case all
        /// Elements whose field at the path equals the text.
        case filter([String], equals: Bool, String)
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .string(let text): text
        case .int(let int): String(int)
        case .double(let double): String(double)
        case .bool(let bool): String(bool)
        case .null: ""
        case .array, .object: String(decoding: JSON.encode(value), as: UTF8.self)
        }
    }

    private static func apply(_ step: Step, _ value: Value) -> [Value] {
        switch step {
        case .field(let name):
            guard case .object(let fields) = value, let field = fields[name] else { return [] }
            return [field]
        case .index(let index):
            let elements = value.elements
            let position = index < 0 ? elements.count + index : index
            return elements.indices.contains(position) ? [elements[position]] : []
        case .all:
            if case .object(let fields) = value { return Array(fields.values) }
            return value.elements
        case .filter(let path, let equals, let wanted):
            return value.elements.filter { element in
                let found = path.reduce(element) { $0[$1] }
                return !found.isNull && (text(found) == wanted) == equals
            }
        }
    }

    /// `nil` for a path that is not of the forms known here.
    private static func steps(_ path: String) -> [Step]? {
        var steps: [Step] = []
        var rest = Substring(path.hasPrefix("{") && path.hasSuffix("}") ? String(path.dropFirst().dropLast()) : path)
        if rest.hasPrefix("$") { rest.removeFirst() }
        while let first = rest.first {
            if first == "." {
                rest.removeFirst()
                if rest.isEmpty { return steps }
                if rest.first == "[" { continue }
                let name = fieldName(&rest)
                guard !name.isEmpty else { return nil }
                steps.append(name == "*" ? .all : .field(name))
            } else if first == "[" {
                guard let end = closing(rest) else { return nil }
                let inside = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
                guard let step = bracket(inside) else { return nil }
                steps.append(step)
            } else {
                return nil
            }
        }
        return steps
    }

    private static func fieldName(_ rest: inout Substring) -> String {
        var name = ""
        while let next = rest.first, next != ".", next != "[" {
            rest.removeFirst()
            if next == "\\", let escaped = rest.popFirst() { name.append(escaped) } else { name.append(next) }
        }
        return name
    }

    private static func closing(_ rest: Substring) -> Substring.Index? {
        var quote: Character?
        var depth = 0
        for index in rest.indices {
            let character = rest[index]
            if let open = quote {
                if character == open { quote = nil }
            } else if character == "'" || character == "\"" {
                quote = character
            } else if character == "[" {
                depth += 1
            } else if character == "]" {
                depth -= 1
                if depth == 0 { return index }
            }
        }
        return nil
    }

    private static func bracket(_ inside: String) -> Step? {
        if inside == "*" { return .all }
        if let index = Int(inside) { return .index(index) }
        if inside.count >= 2, let quote = inside.first, quote == "'" || quote == "\"", inside.last == quote {
            return .field(String(inside.dropFirst().dropLast()))
        }
        guard inside.hasPrefix("?("), inside.hasSuffix(")") else { return nil }
        let condition = String(inside.dropFirst(2).dropLast())
        for (symbol, equals) in [("==", true), ("!=", false)] {
            guard let range = condition.firstRange(of: symbol) else { continue }
            let left = String(condition[..<range.lowerBound]).trimmed
            var right = String(condition[range.upperBound...]).trimmed
            if right.count >= 2, let quote = right.first, quote == "'" || quote == "\"", right.last == quote {
                right = String(right.dropFirst().dropLast())
            }
            guard left.hasPrefix("@.") else { return nil }
            return .filter(left.dropFirst(2).split(separator: ".").map(String.init), equals: equals, right)
        }
        return nil
    }
}
