internal import APIModel

/// A list: values, wrapped JSON, or two lists one after the other.
public struct ListValue: Sendable {
    enum Storage: Sendable {
        case values([CELValue])
        /// With the schema of the list, where it has one.
        case json([Value], SchemaType?)
        case joined(JoinedList)
        /// A list whose order does not count.
        case keyed(KeyedList)
    }

    let storage: Storage

    init(_ storage: Storage) { self.storage = storage }
    public init(_ values: [CELValue]) { storage = .values(values) }

    static let empty = ListValue([])

    public var count: Int {
        switch storage {
        case .values(let values): values.count
        case .json(let values, _): values.count
        case .joined(let list): list.count
        case .keyed(let list): list.values.count
        }
    }

    /// The element at an index within the list.
    func element(_ index: Int) throws(EvaluationError) -> CELValue {
        switch storage {
        case .values(let values): return values[index]
        case .json(let values, let schema): return try Self.element(values[index], schema)
        case .joined(let list):
            return index < list.first.count ? try list.first.element(index) : try list.second.element(index - list.first.count)
        case .keyed(let list): return list.values[index]
        }
    }

    fileprivate static func element(_ value: Value, _ schema: SchemaType?) throws(EvaluationError) -> CELValue {
        guard let schema, case .list(let element, _) = schema.kind else { return CELValue(value) }
        return try CELValue(value, element)
    }

    /// How two elements of the list are told apart, where that is not by their place.
    var listKind: SchemaType.ListKind {
        switch storage {
        case .json(_, let schema?): if case .list(_, let kind) = schema.kind { kind } else { .atomic }
        case .keyed(let list): list.kind
        case .values, .joined, .json: .atomic
        }
    }

    /// Whether it was read through a schema: such a list can only be compared with lists.
    var hasSchema: Bool {
        switch storage {
        case .json(_, let schema): schema != nil
        case .keyed: true
        case .values, .joined: false
        }
    }

    func elements() -> ListElements { ListElements(self) }

    /// All elements, converted.
    public func values() throws(EvaluationError) -> [CELValue] {
        if case .values(let values) = storage { return values }
        var result: [CELValue] = []
        result.reserveCapacity(count)
        var elements = elements()
        while let element = try elements.next() { result.append(element) }
        return result
    }
}

/// Two lists one after the other. Nothing is copied, so that a long sum of lists costs no more than its terms.
final class JoinedList: Sendable {
    let first: ListValue
    let second: ListValue
    let count: Int

    init(_ first: ListValue, _ second: ListValue) {
        self.first = first
        self.second = second
        let (sum, isBeyond) = first.count.addingReportingOverflow(second.count)
        count = isBeyond ? .max : sum
    }
}

/// A set, or a list whose elements have keys, that was added to.
final class KeyedList: Sendable {
    let values: [CELValue]
    let kind: SchemaType.ListKind

    init(_ values: [CELValue], _ kind: SchemaType.ListKind) {
        self.values = values
        self.kind = kind
    }
}

/// Goes through a list from its beginning.
struct ListElements {
    private var current: ListValue
    private var index = 0
    private var rest: [ListValue] = []

    init(_ list: ListValue) { current = list }

    mutating func next() throws(EvaluationError) -> CELValue? {
        while true {
            switch current.storage {
            case .values(let values):
                if index < values.count {
                    defer { index += 1 }
                    return values[index]
                }
            case .json(let values, let schema):
                if index < values.count {
                    defer { index += 1 }
                    return try ListValue.element(values[index], schema)
                }
            case .keyed(let list):
                if index < list.values.count {
                    defer { index += 1 }
                    return list.values[index]
                }
            case .joined(let list):
                rest.append(list.second)
                current = list.first
                continue
            }
            guard let following = rest.popLast() else { return nil }
            current = following
            index = 0
        }
    }
}
