/// Where a field of an object is: `spec.nodeName`, `metadata.labels['kubernetes.io/service-name']`.
public struct ObjectPath: Sendable, Hashable, CustomStringConvertible {
    public let description: String
    private let names: [String]

    /// `nil` for what is no path: nothing at all, a name left out, a bracket that is not closed.
    public init?(_ text: String) {
        description = text
        var names: [String] = []
        var rest = text[...]
        while !rest.isEmpty {
            if rest.hasPrefix("['") {
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
        self.names = names
    }

    /// The field of `object`; `.null` where it is not there.
    public func value(in object: Value) -> Value { names.reduce(object) { $0[$1] } }

    /// What the field of `object` says: text, numbers and truth values; empty for all else.
    public func text(in object: Value) -> String {
        switch value(in: object) {
        case .string(let text): text
        case .int(let number): String(number)
        case .bool(let bool): String(bool)
        default: ""
        }
    }
}
