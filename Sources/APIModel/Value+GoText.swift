extension Value {
    /// As Go prints it with `%v`.
    public var goText: String {
        switch self {
        case .string(let text): text
        case .null: "<nil>"
        case .array(let elements): "[\(elements.map(\.goText).joined(separator: " "))]"
        case .object(let fields):
            "map[\(fields.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.goText)" }.joined(separator: " "))]"
        default: String(decoding: JSON.encode(self), as: UTF8.self)
        }
    }
}
