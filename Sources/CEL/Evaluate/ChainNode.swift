/// A value and what is selected from it: `self.spec.containers[0].?image`.
///
/// Costs as upstream's attributes do: one for the chain as a whole, unless it is a branch of a conditional or an index of another chain, and one for
/// each step.
final class ChainNode: Node {
    struct Step: Sendable {
        enum Key: Sendable {
            case constant(CELValue)
            case node(any Node)
        }

        var key: Key
        var isOptional: Bool
    }

    private let root: any Node
    private let rootCost: UInt64
    private let steps: [Step]
    /// Whether only the presence of the last step is asked for.
    private let isTest: Bool

    init(_ root: any Node, rootCost: UInt64, _ steps: [Step], isTest: Bool) {
        self.root = root
        self.rootCost = rootCost
        self.steps = steps
        self.isTest = isTest
    }

    func evaluate(_ evaluation: Evaluation) throws(EvaluationError) -> CELValue {
        var value = try root.evaluate(evaluation)
        try evaluation.charge(rootCost)
        var isOptional = false
        if !steps.isEmpty, case .optional(let optional) = value {
            guard let inner = optional.value else { return isTest ? .bool(false) : value }
            value = inner
            isOptional = true
        }
        for (index, step) in steps.enumerated() {
            isOptional = isOptional || step.isOptional
            let key: CELValue
            switch step.key {
            case .constant(let constant): key = constant
            case .node(let node): key = try node.evaluate(evaluation)
            }
            if isTest, index == steps.count - 1 {
                try evaluation.charge(1)
                return .bool(try value.member(key) != nil)
            }
            if let member = try value.member(key) {
                try evaluation.charge(1)
                value = member
            } else {
                if isOptional { return .none }
                try evaluation.charge(1)
                guard case .object(let object) = value, case .string(let name) = key, let unset = object.unset(name) else {
                    throw value.missing(key)
                }
                value = unset
            }
        }
        return isOptional ? .optional(of: value) : value
    }
}

extension CELValue {
    /// What a value holds under a key or an index, `nil` where there is nothing.
    func member(_ key: CELValue) throws(EvaluationError) -> CELValue? {
        switch self {
        case .map(let map):
            if case .string(let name) = key { return try map.field(name) ?? map.fallback }
            return try map.find(key) ?? map.fallback
        case .list(let list):
            guard let index = try list.index(key) else { return nil }
            return try list.element(index)
        case .object(let object):
            guard case .string(let name) = key else { throw EvaluationError("unsupported indexer: \(key.text)") }
            return try object.field(name)
        default: return nil
        }
    }

    func missing(_ key: CELValue) -> EvaluationError {
        if case .list = self { .indexOutOfBounds(key) } else { .noSuchKey(key) }
    }
}

extension ListValue {
    /// The place that a number means, `nil` outside the list.
    func index(_ key: CELValue) throws(EvaluationError) -> Int? {
        let number: Int64?
        switch key {
        case .int(let int): number = int
        case .uint(let uint): number = Int64(exactly: uint)
        case .double(let double): number = Int64(exactly: double)
        default: throw EvaluationError("unsupported index type '\(key.typeName)' in list")
        }
        guard let number else { throw EvaluationError("unsupported index value \(key.text) in list") }
        return number >= 0 && number < count ? Int(number) : nil
    }
}
