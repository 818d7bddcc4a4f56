/// When two values are equal, and which comes first.
extension Evaluation {
    /// Whether `left == right`. Values of different types are not equal, but numbers of one value are.
    ///
    /// - Throws: where a value is compared with what its type cannot be compared with.
    func areEqual(_ left: CELValue, _ right: CELValue) throws(EvaluationError) -> Bool {
        try step()
        switch (left, right) {
        case (.null, .null): return true
        case (.null, _), (_, .null): return false
        case (.string(let one), .string(let other)): return one.utf8.elementsEqual(other.utf8)
        case (.int(let one), .int(let other)): return one == other
        case (.bool(let one), .bool(let other)): return one == other
        case (.int, .uint), (.int, .double), (.uint, .int), (.uint, .uint), (.uint, .double), (.double, .int), (.double, .uint),
            (.double, .double):
            return Self.order(left, right) == 0
        case (.bytes(let one), .bytes(let other)): return one == other
        case (.duration(let one), .duration(let other)): return one == other
        case (.timestamp(let one), .timestamp(let other)): return one == other
        case (.type(let one), .type(let other)): return one == other
        case (.list(let one), .list(let other)): return try areEqual(one, other)
        case (.map(let one), .map(let other)): return try areEqual(one, other)
        case (.optional(let one), .optional(let other)):
            guard let value = one.value, let otherValue = other.value else { return one.value == nil && other.value == nil }
            return try areEqual(value, otherValue)
        case (.object(let object), _): return try object.isEqual(to: right, self)
        case (.list(let list), _) where list.hasSchema: throw .noSuchOverload
        case (.map(let map), _) where map.hasSchema: throw .noSuchOverload
        default: return false
        }
    }

    private func areEqual(_ left: ListValue, _ right: ListValue) throws(EvaluationError) -> Bool {
        guard left.count == right.count else { return false }
        switch left.listKind {
        case .atomic:
            var elements = left.elements()
            var others = right.elements()
            while let element = try elements.next(), let other = try others.next() {
                guard try areEqual(element, other) else { return false }
            }
            return true
        case .set:
            let members = try left.values()
            let keys = Set(members.compactMap(ScalarKey.init))
            var others = right.elements()
            while let other = try others.next() {
                try step()
                guard let key = ScalarKey(other), keys.contains(key) else { return false }
            }
            return true
        case .map(let names):
            var byKey: [[ScalarKey?]: CELValue] = [:]
            for element in try left.values() { if let key = try Self.key(of: element, names) { byKey[key] = element } }
            var others = right.elements()
            while let other = try others.next() {
                guard let key = try Self.key(of: other, names), let element = byKey[key], try areEqual(element, other) else { return false }
            }
            return true
        }
    }

    /// The key of an element of a list that is keyed by these fields.
    static func key(of element: CELValue, _ names: [String]) throws(EvaluationError) -> [ScalarKey?]? {
        guard case .map(let map) = element else { return nil }
        var key: [ScalarKey?] = []
        for name in names { key.append(try map.field(FieldName.escape(name) ?? name).flatMap(ScalarKey.init)) }
        return key
    }

    private func areEqual(_ left: MapValue, _ right: MapValue) throws(EvaluationError) -> Bool {
        guard left.count == right.count else { return false }
        for key in left.keys() {
            let value = try left.find(key)
            let other = try right.find(key)
            guard let value, let other else {
                // Fields that are null count as fields that are not there.
                if value == nil, other == nil { continue }
                return false
            }
            guard try areEqual(value, other) else { return false }
        }
        return left.unknownFields == right.unknownFields || !left.hasSchema || !right.hasSchema
    }

    /// Whether an element equal to `value` is in the list.
    func contains(_ list: ListValue, _ value: CELValue) throws(EvaluationError) -> Bool {
        var elements = list.elements()
        while let element = try elements.next() {
            // What cannot be compared is not equal.
            if try attempt({ () throws(EvaluationError) in try areEqual(list.hasSchema ? element : value, list.hasSchema ? value : element)
            }) ?? false {
                return true
            }
        }
        return false
    }

    /// The result, or `nil` for an error that does not end the evaluation.
    func attempt<Result>(_ body: () throws(EvaluationError) -> Result) throws(EvaluationError) -> Result? {
        do throws(EvaluationError) { return try body() } catch {
            if error.isFinal { throw error }
            return nil
        }
    }

    // MARK: Order

    /// Below zero where `left` comes first, above zero where `right` does.
    ///
    /// - Throws: for values without an order, or of different kinds.
    static func compare(_ left: CELValue, _ right: CELValue, in function: String) throws(EvaluationError) -> Int {
        switch (left, right) {
        case (.int, .int), (.int, .uint), (.uint, .int), (.uint, .uint): return order(left, right) ?? 0
        case (.int, .double), (.uint, .double), (.double, .int), (.double, .uint), (.double, .double):
            guard let order = order(left, right) else { throw EvaluationError("NaN values cannot be ordered") }
            return order
        case (.bool(let one), .bool(let other)): return one == other ? 0 : one ? 1 : -1
        case (.string(let one), .string(let other)): return order(one.utf8, other.utf8)
        case (.bytes(let one), .bytes(let other)): return order(one, other)
        case (.duration(let one), .duration(let other)): return order(one, other)
        case (.timestamp(let one), .timestamp(let other)): return order(one, other)
        default: throw left.isComparable ? .noSuchOverload : .noSuchOverload(function)
        }
    }

    private static func order<Number: Comparable>(_ left: Number, _ right: Number) -> Int { left < right ? -1 : left > right ? 1 : 0 }

    private static func order(_ left: some Sequence<UInt8>, _ right: some Sequence<UInt8>) -> Int {
        if left.lexicographicallyPrecedes(right) { return -1 }
        return right.lexicographicallyPrecedes(left) ? 1 : 0
    }

    /// The order of two numbers, `nil` where one of them is not a number.
    private static func order(_ left: CELValue, _ right: CELValue) -> Int? {
        switch (left, right) {
        case (.int(let one), .int(let other)): order(one, other)
        case (.uint(let one), .uint(let other)): order(one, other)
        case (.int(let one), .uint(let other)): one < other ? -1 : one > other ? 1 : 0
        case (.uint(let one), .int(let other)): one < other ? -1 : one > other ? 1 : 0
        case (.double(let one), .double(let other)): one.isNaN || other.isNaN ? nil : order(one, other)
        case (.int(let one), .double(let other)): order(Double(one), other, isBeyond: (other < -0x1p63, other > 0x1p63))
        case (.uint(let one), .double(let other)): order(Double(one), other, isBeyond: (other < 0, other > 0x1p64))
        case (.double, .int), (.double, .uint): order(right, left).map { -$0 }
        default: nil
        }
    }

    private static func order(_ left: Double, _ right: Double, isBeyond: (below: Bool, above: Bool)) -> Int? {
        if right.isNaN { return nil }
        return isBeyond.below ? 1 : isBeyond.above ? -1 : order(left, right)
    }
}

extension CELValue {
    /// Whether values of its type have an order.
    var isComparable: Bool {
        switch self {
        case .bool, .int, .uint, .double, .string, .bytes, .duration, .timestamp: true
        case .null, .list, .map, .optional, .type, .object: false
        }
    }
}
