/// The operands of a call: the target, if there is one, and the arguments. Up to three are held in place.
struct Arguments {
    let count: Int
    private let first: CELValue
    private let second: CELValue
    private let third: CELValue
    private let rest: [CELValue]

    init() { (count, first, second, third, rest) = (0, .null, .null, .null, []) }
    init(_ first: CELValue) { (count, self.first, second, third, rest) = (1, first, .null, .null, []) }
    init(_ first: CELValue, _ second: CELValue) { (count, self.first, self.second, third, rest) = (2, first, second, .null, []) }
    init(_ values: [CELValue]) {
        count = values.count
        first = values.count > 0 ? values[0] : .null
        second = values.count > 1 ? values[1] : .null
        third = values.count > 2 ? values[2] : .null
        rest = values.count > 3 ? Array(values[3...]) : []
    }

    subscript(_ index: Int) -> CELValue {
        switch index {
        case 0: first
        case 1: second
        case 2: third
        default: rest.indices.contains(index - 3) ? rest[index - 3] : .null
        }
    }

    var values: [CELValue] { (0..<count).map { self[$0] } }

    func bool(_ index: Int) throws(EvaluationError) -> Bool {
        guard case .bool(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func int(_ index: Int) throws(EvaluationError) -> Int64 {
        guard case .int(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func string(_ index: Int) throws(EvaluationError) -> String {
        guard case .string(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func list(_ index: Int) throws(EvaluationError) -> ListValue {
        guard case .list(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func map(_ index: Int) throws(EvaluationError) -> MapValue {
        guard case .map(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func optional(_ index: Int) throws(EvaluationError) -> OptionalValue {
        guard case .optional(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func duration(_ index: Int) throws(EvaluationError) -> DurationValue {
        guard case .duration(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    func timestamp(_ index: Int) throws(EvaluationError) -> TimestampValue {
        guard case .timestamp(let value) = self[index] else { throw .noSuchOverload }
        return value
    }
    /// An object of a library's own type.
    func object<Object: ObjectValue>(_ index: Int, as type: Object.Type) throws(EvaluationError) -> Object {
        guard case .object(let value as Object) = self[index] else { throw .noSuchOverload }
        return value
    }
}
