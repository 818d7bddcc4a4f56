internal import OrderedCollections

/// What a loop goes over, and the variables that an element sets.
struct Loop: Sendable {
    let range: any Node
    let variable: Int
    let secondVariable: Int?

    /// Calls `body` for each element, until it returns false.
    func forEach(
        _ evaluation: Evaluation, _ body: () throws(EvaluationError) -> Bool
    ) throws(EvaluationError) {
        let value = try range.evaluate(evaluation)
        switch value {
        case .list(let list):
            var elements = list.elements()
            var index: Int64 = 0
            while let element = try elements.next() {
                try evaluation.round()
                if let secondVariable {
                    evaluation.locals[variable] = .value(.int(index))
                    evaluation.locals[secondVariable] = .value(element)
                } else {
                    evaluation.locals[variable] = .value(element)
                }
                index &+= 1
                guard try body() else { return }
            }
        case .map(let map):
            for key in map.keys() {
                try evaluation.round()
                evaluation.locals[variable] = .value(key)
                if let secondVariable { evaluation.locals[secondVariable] = .value(try map.find(key) ?? .null) }
                guard try body() else { return }
            }
        default:
            throw EvaluationError(
                secondVariable == nil
                    ? "got '\(value.goType)', expected iterable type" : "unsupported comprehension range type: \(value.goType)")
        }
    }
}

extension CELValue {
    /// As upstream's implementation names the kind of value.
    fileprivate var goType: String {
        switch self {
        case .null: "types.Null"
        case .bool: "types.Bool"
        case .int: "types.Int"
        case .uint: "types.Uint"
        case .double: "types.Double"
        case .string: "types.String"
        case .bytes: "types.Bytes"
        case .duration: "types.Duration"
        case .timestamp: "types.Timestamp"
        case .optional: "*types.Optional"
        case .type: "*types.Type"
        case .list, .map, .object: typeName
        }
    }
}

/// `all` and `exists`: ends at the first element that decides. One that does makes up for errors in the others.
final class QuantifierNode: Node {
    private let loop: Loop
    private let predicate: any Node
    private let isAll: Bool

    init(_ loop: Loop, _ predicate: any Node, isAll: Bool) {
        self.loop = loop
        self.predicate = predicate
        self.isAll = isAll
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var failure: EvaluationError?
        var isDecided = false
        // The condition looks at the accumulator through one function for `all` and two for `exists`.
        let conditionCost: UInt64 = isAll ? 2 : 3
        try loop.forEach(evaluation) { () throws(EvaluationError) in
            try evaluation.charge(conditionCost)
            if isDecided { return false }
            try evaluation.charge(1)
            do throws(EvaluationError) {
                guard case .bool(let value) = try predicate.evaluate(evaluation) else { throw .noSuchOverload }
                if value != isAll { isDecided = true }
            } catch {
                if error.isFinal { throw error }
                failure = failure ?? error
            }
            if isDecided { failure = nil }
            return true
        }
        try evaluation.charge(1)
        if let failure { throw failure }
        return .bool(isDecided != isAll)
    }
}

/// A loop over all elements. An error stays until a later element replaces it.
final class FoldNode: Node {
    private let loop: Loop
    private let accumulator: Int
    private let initial: any Node
    private let step: any Node
    private let result: any Node

    init(_ loop: Loop, accumulator: Int, initial: any Node, step: any Node, result: any Node) {
        self.loop = loop
        self.accumulator = accumulator
        self.initial = initial
        self.step = step
        self.result = result
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        evaluation.locals[accumulator] = .value(try initial.evaluate(evaluation))
        try loop.forEach(evaluation) { () throws(EvaluationError) in
            do throws(EvaluationError) {
                evaluation.locals[accumulator] = .value(try step.evaluate(evaluation))
            } catch {
                if error.isFinal { throw error }
                evaluation.locals[accumulator] = .failed(error)
            }
            return true
        }
        return try result.evaluate(evaluation)
    }
}

/// `map`, `filter` and their like: a list of what elements that pass become.
final class CollectListNode: Node {
    private let loop: Loop
    private let filter: (any Node)?
    private let transform: any Node

    init(_ loop: Loop, filter: (any Node)?, _ transform: any Node) {
        self.loop = loop
        self.filter = filter
        self.transform = transform
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var result: [CELValue] = []
        try collect(loop, filter, evaluation) { () throws(EvaluationError) in
            let value = try transform.evaluate(evaluation)
            // A list of the one element, and the sum of two lists.
            try evaluation.charge(CostUnit.list.max + 1)
            result.append(value)
        }
        return .list(ListValue(result))
    }
}

/// `transformMap` and `transformMapEntry`: a map of what elements that pass become.
final class CollectMapNode: Node {
    private let loop: Loop
    private let filter: (any Node)?
    /// The key, or nothing where the value is a map of entries.
    private let key: (any Node)?
    private let transform: any Node

    init(_ loop: Loop, filter: (any Node)?, key: (any Node)?, _ transform: any Node) {
        self.loop = loop
        self.filter = filter
        self.key = key
        self.transform = transform
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var result: OrderedDictionary<ScalarKey, MapValue.Entry> = [:]
        func insert(_ key: CELValue, _ value: CELValue) throws(EvaluationError) {
            let scalar = try MapValue.key(key)
            guard result[scalar] == nil else { throw EvaluationError("insert failed: key \(key.text) already exists") }
            result[scalar] = MapValue.Entry(key: key, value: value)
        }
        try collect(loop, filter, evaluation) { () throws(EvaluationError) in
            let key = try key?.evaluate(evaluation)
            let value = try transform.evaluate(evaluation)
            try evaluation.charge(1)
            if let key { return try insert(key, value) }
            guard case .map(let entries) = value else { throw .noSuchOverload }
            for key in entries.keys() {
                try evaluation.step()
                try insert(key, try entries.find(key) ?? .null)
            }
        }
        return .map(MapValue(result))
    }
}

/// Calls `add` for each element that passes, and throws the error that is left at the end: that of the last filter that failed, or the first other.
private func collect(
    _ loop: Loop, _ filter: (any Node)?, _ evaluation: Evaluation, _ add: () throws(EvaluationError) -> Void
) throws(EvaluationError) {
    var failure: EvaluationError?
    try loop.forEach(evaluation) { () throws(EvaluationError) in
        if let filter {
            do throws(EvaluationError) {
                guard case .bool(let passes) = try filter.evaluate(evaluation) else { throw .noSuchOverload }
                if !passes { return true }
            } catch {
                if error.isFinal { throw error }
                failure = error
                return true
            }
        }
        try evaluation.charge(1)
        do throws(EvaluationError) { try add() } catch {
            if error.isFinal { throw error }
            failure = failure ?? error
        }
        return true
    }
    try evaluation.charge(1)
    if let failure { throw failure }
}

/// A name for a value, for as long as an expression is evaluated.
final class BindNode: Node {
    private let slot: Int
    private let result: any Node

    init(_ slot: Int, _ result: any Node) {
        self.slot = slot
        self.result = result
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        evaluation.locals[slot] = .pending
        return try result.evaluate(evaluation)
    }
}
