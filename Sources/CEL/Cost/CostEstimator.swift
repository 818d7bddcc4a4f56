/// Estimates what an expression costs at least and at most, from the sizes that the types of its variables admit.
///
/// Upstream's rules throughout: the estimate decides which rules a schema may have.
struct CostEstimator {
    private let checked: CheckedExpression
    /// The type by which declared sizes are found.
    private let root: DeclaredType?
    private var paths: [[String]]
    private var sizes: [Estimate?]
    private var entrySizes: [EntrySize?]
    private var locals: [(name: String, local: Local)] = []

    /// The sizes of the keys and values of a container.
    private struct EntrySize {
        var isList: Bool
        var key: Estimate
        var value: Estimate

        func union(_ other: EntrySize?) -> EntrySize? {
            other.map { EntrySize(isList: isList, key: key.union($0.key), value: value.union($0.value)) }
        }
    }

    private struct Local {
        var path: [String]
        var size: Estimate?
        var entrySize: EntrySize?
    }

    static func cost(of checked: CheckedExpression, root: DeclaredType?) -> Estimate {
        var estimator = CostEstimator(checked, root)
        return estimator.cost(checked.tree)
    }

    private init(_ checked: CheckedExpression, _ root: DeclaredType?) {
        self.checked = checked
        self.root = root
        paths = Array(repeating: [], count: checked.types.count)
        sizes = Array(repeating: nil, count: checked.types.count)
        entrySizes = Array(repeating: nil, count: checked.types.count)
    }

    // MARK: Nodes

    private mutating func cost(_ expression: Expression) -> Estimate {
        switch expression.kind {
        case .literal, .missing: return Estimate(0)
        case .identifier(let name):
            paths[expression.id] = local(name)?.path ?? [name]
            return Estimate(1)
        case .select(let operand, let field, let isTest):
            // A qualified name is one variable.
            if case .variable? = checked.reference(of: expression) {
                paths[expression.id] = [expression.qualifiedName ?? field]
                return Estimate(1)
            }
            if checked.reference(of: expression) != nil { return Estimate(1) }
            var sum = cost(operand)
            if isTest { return sum }
            switch checked.type(of: operand) {
            case .map, .object: sum += Estimate(1)
            default: break
            }
            paths[expression.id] = path(of: operand) + [field]
            return sum
        case .call(let call): return cost(expression, call)
        case .list(let elements, _): return cost(expression, list: elements)
        case .map(let entries): return cost(expression, map: entries)
        case .structure(_, let fields):
            return fields.reduce(CostUnit.structure) { sum, field in sum + cost(field.value) }
        case .comprehension(let comprehension):
            return comprehension.form == .bind ? costOfBinding(expression, comprehension) : costOfLoop(expression, comprehension)
        }
    }

    private mutating func cost(_ expression: Expression, list elements: [Expression]) -> Estimate {
        var sum = CostUnit.list
        var size = elements.isEmpty ? Estimate(0) : Estimate.nothing
        for element in elements {
            sum += cost(element)
            size = size.union(sizeOrUnknown(element))
        }
        entrySizes[expression.id] = EntrySize(isList: true, key: Estimate(1), value: size)
        return sum
    }

    private mutating func cost(_ expression: Expression, map entries: [MapEntry]) -> Estimate {
        var sum = CostUnit.map
        var key = entries.isEmpty ? Estimate(0) : Estimate.nothing
        var value = key
        for entry in entries {
            sum += cost(entry.key)
            sum += cost(entry.value)
            key = key.union(sizeOrUnknown(entry.key))
            value = value.union(sizeOrUnknown(entry.value))
        }
        entrySizes[expression.id] = EntrySize(isList: false, key: key, value: value)
        return sum
    }

    // MARK: Comprehensions

    private mutating func costOfBinding(_ expression: Expression, _ comprehension: Comprehension) -> Estimate {
        var sum = cost(comprehension.range) + cost(comprehension.initial)
        push(comprehension.accumulator, boundTo: comprehension.initial)
        sum += cost(comprehension.result)
        locals.removeLast()
        copySizes(to: expression, from: comprehension.result)
        return sum
    }

    private mutating func costOfLoop(_ expression: Expression, _ comprehension: Comprehension) -> Estimate {
        let range = comprehension.range
        var sum = cost(range) + cost(comprehension.initial)
        push(comprehension.accumulator, boundTo: comprehension.initial)
        pushElements(of: range, comprehension)
        let round = cost(comprehension.condition) + cost(comprehension.step)
        locals.removeLast(comprehension.secondVariable == nil ? 1 : 2)
        sum += cost(comprehension.result)
        locals.removeLast()
        let count = sizeOrUnknown(range)
        sum += count * round
        switch comprehension.initial.kind {
        case .literal: if let size = size(of: comprehension.initial) { sizes[expression.id] = size }
        case .list, .map:
            sizes[expression.id] = count
            if let entrySize = entrySize(of: comprehension.step) { entrySizes[expression.id] = entrySize }
        default: break
        }
        return sum
    }

    private mutating func push(_ name: String, boundTo value: Expression) {
        locals.append((name, Local(path: path(of: value), size: size(of: value), entrySize: entrySize(of: value))))
    }

    private mutating func pushElements(of range: Expression, _ comprehension: Comprehension) {
        let entrySize = entrySize(of: range)
        let isList: Bool
        if let entrySize {
            isList = entrySize.isList
        } else if case .list = checked.type(of: range) {
            isList = true
        } else {
            isList = false
        }
        let path = path(of: range)
        let key = Local(path: path + [isList ? "@indices" : "@keys"], size: entrySize?.key)
        let value = Local(path: path + [isList ? "@items" : "@values"], size: entrySize?.value)
        if let second = comprehension.secondVariable {
            locals.append((comprehension.variable, key))
            locals.append((second, value))
        } else {
            locals.append((comprehension.variable, isList ? value : key))
        }
    }

    private func local(_ name: String) -> Local? { locals.last { $0.name == name }?.local }

    // MARK: Calls

    private mutating func cost(_ expression: Expression, _ call: Call) -> Estimate {
        if call.function == "dyn", let argument = call.arguments.first {
            let sum = Estimate(1) + cost(argument)
            copySizes(to: expression, from: argument)
            return sum
        }
        var sum = Estimate(0)
        var costs: [Estimate] = []
        for argument in call.arguments { costs.append(cost(argument)) }
        let overloads = checked.overloads(of: expression)
        if call.function == Operator.optionalSelect { return costs[0] + Estimate(1) }
        if let target = call.target { sum += cost(target) }
        var range = Estimate.nothing
        var resultSize: Estimate?
        for overload in overloads {
            let estimate = estimate(expression, call, overload, costs)
            range = range.union(estimate.cost)
            if let size = estimate.resultSize { resultSize = resultSize?.union(size) ?? size }
            if let step = Self.indexSteps[overload.id] {
                resultSize = entrySize(of: call.arguments[0])?.value
                paths[expression.id] = path(of: call.arguments[0]) + [step]
            }
            if resultSize == nil { resultSize = size(of: expression) }
        }
        if let resultSize { sizes[expression.id] = resultSize }
        return sum + range
    }

    private static let indexSteps = ["index_list": "@items", "index_map": "@values"]

    private mutating func estimate(_ expression: Expression, _ call: Call, _ overload: Overload, _ costs: [Estimate]) -> CallEstimate {
        let arguments = costs.reduce(Estimate(0), +)
        switch call.function {
        case Operator.and, Operator.or:
            // The second term may never be evaluated.
            return CallEstimate(Estimate(min: costs[0].min, max: arguments.max))
        case Operator.conditional:
            let (one, other) = (call.arguments[1], call.arguments[2])
            let size = sizeOrUnknown(one).union(sizeOrUnknown(other))
            if let entrySize = entrySize(of: one)?.union(entrySize(of: other)) { entrySizes[expression.id] = entrySize }
            return CallEstimate(costs[0] + costs[1].union(costs[2]), resultSize: size)
        case Operator.add:
            let (one, other) = (call.arguments[0], call.arguments[1])
            guard ["add_string", "add_bytes", "add_list"].contains(overload.id) else { break }
            if let entrySize = entrySize(of: one)?.union(entrySize(of: other)) { entrySizes[expression.id] = entrySize }
        default: break
        }
        let operands = call.operands.map { node($0) }
        var estimate = overload.cost.estimate(CallSite(operands: operands, hasTarget: call.target != nil, declaredSize: declaredSize))
        estimate.cost += arguments
        return estimate
    }

    private mutating func node(_ expression: Expression) -> CostNode {
        let path = path(of: expression)
        let isRooted = path.first.map { $0 != Comprehension.accumulatorName && $0 != "__result__" } ?? false
        return CostNode(
            path: isRooted ? path : nil, type: checked.type(of: expression), literal: expression.literal, computedSize: size(of: expression)
        )
    }

    // MARK: Sizes

    private func path(of expression: Expression) -> [String] {
        if let name = expression.identifier, let local = local(name) { return local.path }
        return paths[expression.id]
    }

    private mutating func sizeOrUnknown(_ expression: Expression) -> Estimate { size(of: expression) ?? .unknown }

    private mutating func copySizes(to expression: Expression, from other: Expression) {
        if let size = size(of: other) { sizes[expression.id] = size }
        if let entrySize = entrySize(of: other) { entrySizes[expression.id] = entrySize }
    }

    private mutating func size(of expression: Expression) -> Estimate? {
        if let size = sizes[expression.id] { return size }
        switch expression.kind {
        case .literal(let value): return Estimate(value.costSize)
        case .list(let elements, _): return Estimate(UInt64(elements.count))
        case .map(let entries): return Estimate(UInt64(entries.count))
        default: break
        }
        if let size = declaredSize(path(of: expression)) {
            sizes[expression.id] = size
            return size
        }
        if Self.isScalar(checked.type(of: expression)) { return Estimate(1) }
        return expression.identifier.flatMap(local)?.size
    }

    private func entrySize(of expression: Expression) -> EntrySize? {
        entrySizes[expression.id] ?? expression.identifier.flatMap(local)?.entrySize
    }

    private static func isScalar(_ type: CELType) -> Bool {
        switch type {
        case .bool, .int, .uint, .double, .duration, .timestamp: true
        case .wrapper(let inner): isScalar(inner)
        default: type.unwrapped.map(isScalar) ?? false
        }
    }

    /// The bounds that the schema gives a value. As upstream, whatever the path begins with stands for the root.
    private func declaredSize(_ path: [String]) -> Estimate? {
        guard var type = root, !path.isEmpty else { return nil }
        for step in path.dropFirst() {
            let next: DeclaredType? =
                switch step {
                case "@items", "@values": type.element
                case "@keys": type.key
                default: type.fields[step]
                }
            guard let next else { return nil }
            type = next
        }
        return Estimate(min: 0, max: UInt64(bitPattern: type.maxElements))
    }
}
