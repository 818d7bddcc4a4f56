/// The operators on numbers, text, lists and times. None of them traps; what does not fit is an error.
enum Arithmetic {
    typealias Operation = @Sendable (CELValue, CELValue, Evaluation) throws(EvaluationError) -> CELValue

    static let add: Operation = { left, right, evaluation throws(EvaluationError) in
        switch (left, right) {
        case (.int(let one), .int(let other)): return .int(try checked(one.addingReportingOverflow(other), .integerOverflow))
        case (.uint(let one), .uint(let other)): return .uint(try checked(one.addingReportingOverflow(other), .unsignedOverflow))
        case (.double(let one), .double(let other)): return .double(one + other)
        case (.string(let one), .string(let other)): return .string(one + other)
        case (.bytes(let one), .bytes(let other)): return .bytes(one + other)
        case (.list(let one), .list(let other)): return .list(try add(one, other, evaluation))
        case (.duration(let one), .duration(let other)): return try add(one, other.nanoseconds)
        case (.timestamp(let time), .duration(let duration)), (.duration(let duration), .timestamp(let time)):
            return .timestamp(try time.adding(duration))
        default: throw noOverload(Operator.add, left.isAddable)
        }
    }

    static let subtract: Operation = { left, right, _ throws(EvaluationError) in
        switch (left, right) {
        case (.int(let one), .int(let other)): return .int(try checked(one.subtractingReportingOverflow(other), .integerOverflow))
        case (.uint(let one), .uint(let other)): return .uint(try checked(one.subtractingReportingOverflow(other), .unsignedOverflow))
        case (.double(let one), .double(let other)): return .double(one - other)
        case (.duration(let one), .duration(let other)):
            let (difference, isBeyond) = one.nanoseconds.subtractingReportingOverflow(other.nanoseconds)
            return .duration(DurationValue(nanoseconds: try checked((difference, isBeyond), .durationOverflow)))
        case (.timestamp(let time), .duration(let duration)):
            guard duration.nanoseconds != .min else { throw .durationOverflow }
            return .timestamp(try time.adding(DurationValue(nanoseconds: -duration.nanoseconds)))
        case (.timestamp(let one), .timestamp(let other)): return .duration(try one.subtracting(other))
        default: throw noOverload(Operator.subtract, left.isNumber || left.isTime)
        }
    }

    static let multiply: Operation = { left, right, _ throws(EvaluationError) in
        switch (left, right) {
        case (.int(let one), .int(let other)): return .int(try checked(one.multipliedReportingOverflow(by: other), .integerOverflow))
        case (.uint(let one), .uint(let other)): return .uint(try checked(one.multipliedReportingOverflow(by: other), .unsignedOverflow))
        case (.double(let one), .double(let other)): return .double(one * other)
        default: throw noOverload(Operator.multiply, left.isNumber)
        }
    }

    static let divide: Operation = { left, right, _ throws(EvaluationError) in
        switch (left, right) {
        case (.int(let one), .int(let other)):
            if other == 0 { throw EvaluationError("division by zero") }
            return .int(try checked(one.dividedReportingOverflow(by: other), .integerOverflow))
        case (.uint(let one), .uint(let other)):
            if other == 0 { throw EvaluationError("division by zero") }
            return .uint(one / other)
        case (.double(let one), .double(let other)): return .double(one / other)
        default: throw noOverload(Operator.divide, left.isNumber)
        }
    }

    static let modulo: Operation = { left, right, _ throws(EvaluationError) in
        switch (left, right) {
        case (.int(let one), .int(let other)):
            if other == 0 { throw EvaluationError("modulus by zero") }
            return .int(try checked(one.remainderReportingOverflow(dividingBy: other), .integerOverflow))
        case (.uint(let one), .uint(let other)):
            if other == 0 { throw EvaluationError("modulus by zero") }
            return .uint(one % other)
        default:
            if case .double = left { throw noOverload(Operator.modulo, false) }
            throw noOverload(Operator.modulo, left.isNumber)
        }
    }

    static func negate(_ value: CELValue) throws(EvaluationError) -> CELValue {
        switch value {
        case .int(let int): return .int(try checked(Int64(0).subtractingReportingOverflow(int), .integerOverflow))
        case .double(let double): return .double(-double)
        case .duration(let duration):
            let negated = Int64(0).subtractingReportingOverflow(duration.nanoseconds)
            return .duration(DurationValue(nanoseconds: try checked(negated, .durationOverflow)))
        case .bool: throw .noSuchOverload
        default: throw .noSuchOverload(Operator.negate)
        }
    }

    static func add(_ left: DurationValue, _ nanoseconds: Int64) throws(EvaluationError) -> CELValue {
        .duration(DurationValue(nanoseconds: try checked(left.nanoseconds.addingReportingOverflow(nanoseconds), .durationOverflow)))
    }

    /// Two lists one after the other. To a set only new members are added, and an element with a key takes the place of the one that had it.
    static func add(_ left: ListValue, _ right: ListValue, _ evaluation: Evaluation) throws(EvaluationError) -> ListValue {
        switch left.listKind {
        case .atomic:
            if left.count == 0 { return right }
            return right.count == 0 ? left : ListValue(.joined(JoinedList(left, right)))
        case .set:
            var values = try left.values()
            var members = Set(values.compactMap(ScalarKey.init))
            var others = right.elements()
            while let other = try others.next() {
                try evaluation.step()
                if let key = ScalarKey(other), !members.insert(key).inserted { continue }
                values.append(other)
            }
            return ListValue(.keyed(KeyedList(values, .set)))
        case .map(let names):
            var values = try left.values()
            var places: [[ScalarKey?]: Int] = [:]
            for (place, value) in values.enumerated() { if let key = try Evaluation.key(of: value, names) { places[key] = place } }
            var others = right.elements()
            while let other = try others.next() {
                try evaluation.step()
                if let key = try Evaluation.key(of: other, names), let place = places[key] {
                    values[place] = other
                } else {
                    values.append(other)
                }
            }
            return ListValue(.keyed(KeyedList(values, .map(names))))
        }
    }

    private static func checked<Number>(
        _ result: (partialValue: Number, overflow: Bool), _ error: EvaluationError
    ) throws(EvaluationError) -> Number {
        if result.overflow { throw error }
        return result.partialValue
    }

    /// As upstream, the message names the operator where the left side knows no such operation at all.
    private static func noOverload(_ function: String, _ isKnown: Bool) -> EvaluationError {
        isKnown ? .noSuchOverload : .noSuchOverload(function)
    }
}

extension CELValue {
    fileprivate var isNumber: Bool {
        switch self {
        case .int, .uint, .double: true
        default: false
        }
    }
    fileprivate var isTime: Bool {
        switch self {
        case .duration, .timestamp: true
        default: false
        }
    }
    fileprivate var isAddable: Bool {
        switch self {
        case .string, .bytes, .list: true
        default: isNumber || isTime
        }
    }
}
