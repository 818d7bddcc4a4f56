/// Where a field of an object is: `spec.nodeName`, `metadata.labels['kubernetes.io/service-name']`. `[*]` stands for every element of a list:
/// `spec.volumes[*].persistentVolumeClaim.claimName` is as many fields as the Pod has claims.
public struct ObjectPath: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    /// Between every two of these all elements of a list are meant.
    private let parts: [[String]]

    /// `nil` for what is no path: nothing at all, a name left out, a bracket that is not closed.
    public init?(_ text: String) {
        description = text
        var parts: [[String]] = []
        var names: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            if rest.hasPrefix("[*].") {
                guard !names.isEmpty else { return nil }
                parts.append(names)
                names = []
                rest = rest.dropFirst(4)
                continue
            } else if rest.hasPrefix("['") {
                guard !names.isEmpty, let end = rest.firstRange(of: "']") else { return nil }
                names.append(String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end.lowerBound]))
                rest = rest[end.upperBound...]
            } else {
                if !names.isEmpty {
                    guard rest.first == "." else { return nil }
                    rest.removeFirst()
                }
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }) else { return nil }
                names.append(String(name))
                rest = rest[name.endIndex...]
            }
            if names.last?.isEmpty != false { return nil }
        }
        guard !names.isEmpty else { return nil }
        self.parts = parts + [names]
    }

    /// Whether it may lead to several fields of one object.
    public var isPlural: Bool { parts.count > 1 }

    /// The field of `object`, `.null` where it is not there; the list of them where the path is plural.
    public func value(in object: Value) -> Value {
        isPlural ? .array(values(in: object)) : parts[0].reduce(object) { $0[$1] }
    }

    private func values(in object: Value) -> [Value] {
        var found = [parts[0].reduce(object) { $0[$1] }]
        for names in parts.dropFirst() { found = found.flatMap(\.elements).map { names.reduce($0) { $0[$1] } } }
        return found
    }

    /// What the field of `object` says: text, numbers and truth values; empty for all else.
    public func text(in object: Value) -> String { Self.text(value(in: object)) }

    /// What each field says that says something.
    public func texts(in object: Value) -> [String] {
        (isPlural ? values(in: object) : [value(in: object)]).map(Self.text).filter { !$0.isEmpty }
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let bool): String(bool)
        default: ""
        }
    }
}
