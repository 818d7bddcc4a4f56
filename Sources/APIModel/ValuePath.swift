/// Where a field is in an object, and how it reads as text: `spec.nodeName`, `metadata.ownerReferences[].uid`.
///
/// Names are joined by dots; `[]` behind one stands for all elements of the list. Paths joined by `|` are alternatives, of which the first
/// that is not empty counts. What follows a `#` is read where there is nothing. A number or boolean reads as JSON writes it.
public struct ValuePath: Sendable, Hashable, CustomStringConvertible {
    private struct Step: Sendable, Hashable {
        var name: String
        var isList: Bool
    }

    public let description: String
    private let alternatives: [[Step]]
    private let fallback: String

    public init(_ text: String) {
        description = text
        let parts = text.split(separator: "#", maxSplits: 1)
        fallback = parts.count > 1 ? String(parts[1]) : ""
        alternatives = (parts.first ?? "").split(separator: "|").map { path in
            path.split(separator: ".").map { name in
                name.hasSuffix("[]") ? Step(name: String(name.dropLast(2)), isList: true) : Step(name: String(name), isList: false)
            }
        }
    }

    /// The uids of an object's owners.
    public static let ownerUID = ValuePath("metadata.ownerReferences[].uid")

    /// The names it goes along, for those who know the type: `["metadata", "ownerReferences", "uid"]`.
    public var names: [[String]] { alternatives.map { $0.map(\.name) } }

    /// What stands there; several values are joined by commas.
    public func text(in object: Value) -> String {
        for steps in alternatives {
            var found: String?
            Self.visit(object, steps[...]) { text in found = found.map { "\($0),\(text)" } ?? text }
            if let found { return found }
        }
        return fallback
    }

    /// What an index finds the object by: each value in a list, or the text, empty where there is nothing.
    public func values(in object: Value) -> [String] {
        guard alternatives.contains(where: { $0.contains(where: \.isList) }) else { return [text(in: object)] }
        var found: [String] = []
        for steps in alternatives { Self.visit(object, steps[...]) { found.append($0) } }
        return found
    }

    /// Calls `body` for all that is there and not empty.
    private static func visit(_ value: Value, _ steps: ArraySlice<Step>, _ body: (String) -> Void) {
        guard let step = steps.first else {
            switch value {
            case .string(let text) where !text.isEmpty: body(text)
            case .int(let int): body(String(int))
            case .bool(let bool): body(String(bool))
            default: break
            }
            return
        }
        let next = value[step.name]
        if step.isList {
            for element in next.elements { visit(element, steps.dropFirst(), body) }
        } else {
            visit(next, steps.dropFirst(), body)
        }
    }
}
