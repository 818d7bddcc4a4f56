internal import APIModel
internal import PluginAPI

/// What a structure of the ABI points to: arrays where isolated plugins read them, and the numbers of the strings in them. All of it is
/// given back when this goes. Used by the scheduling thread only.
final class Lending {
    private let strings: StringTable
    private var pieces: [UnsafeRawBufferPointer] = []
    private var numbers: [apus_string] = []

    init(_ strings: StringTable) { self.strings = strings }

    deinit {
        for piece in pieces { strings.memory.free(piece) }
        for number in numbers { strings.release(number) }
    }

    /// The number of `text`, held as long as this is.
    func number(_ text: String) -> apus_string {
        let number = strings.hold(text)
        numbers.append(number)
        return number
    }

    /// A copy of the elements; `nil` for none.
    func lend<T: BitwiseCopyable>(_ elements: [T]) -> (UnsafePointer<T>?, UInt32) {
        guard !elements.isEmpty else { return (nil, 0) }
        let piece = strings.memory.allocate(elements.count * MemoryLayout<T>.stride)
        elements.withUnsafeBytes { piece.copyMemory(from: $0) }
        pieces.append(UnsafeRawBufferPointer(piece))
        return (UnsafePointer(piece.bindMemory(to: T.self).baseAddress), UInt32(elements.count))
    }

    func bytes(_ bytes: some Sequence<UInt8>) -> apus_borrowed {
        let (pointer, count) = lend(Array(bytes))
        return apus_borrowed(bytes: pointer, count: UInt64(count))
    }

    /// Labels, ordered by key.
    func labels(_ labels: [String: String]) -> [apus_label] {
        labels.sorted { $0.key < $1.key }.map { apus_label(key: number($0.key), value: number($0.value)) }
    }
}

// Requirements, as node selectors and label selectors write them.
extension Lending {
    private static let operators: [String: Int32] = [
        "In": APUS_OPERATOR_IN, "NotIn": APUS_OPERATOR_NOT_IN, "Exists": APUS_OPERATOR_EXISTS, "DoesNotExist": APUS_OPERATOR_DOES_NOT_EXIST,
        "Gt": APUS_OPERATOR_GREATER, "Lt": APUS_OPERATOR_LESS,
    ]

    /// `key operator values`
    func requirement(_ value: Value, onName: Bool = false) -> apus_requirement {
        let texts = value["values"].elements.compactMap(\.string)
        let op = Self.operators[value["operator"].string ?? ""] ?? 0
        return requirement(value["key"].string ?? "", op, texts, onName: onName)
    }

    func requirement(_ key: String, _ op: Int32, _ texts: [String], onName: Bool = false) -> apus_requirement {
        let (values, count) = lend(texts.map(number))
        // A bound that is no number, which the API refuses, stands for one that nothing satisfies.
        let bound = texts.first.flatMap { Int64($0) } ?? (op == APUS_OPERATOR_LESS ? .min : .max)
        return apus_requirement(key: number(key), op: op, on_name: onName ? 1 : 0, value_count: count, values: values, number: bound)
    }
}
