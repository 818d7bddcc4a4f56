/// What is known of the type variables of an expression: the unification of the checker.
///
/// A variable stands for the most general type that all its uses agree with.
struct Substitution {
    private var bindings: [CELType?] = []
    /// The variables bound since the last trial began, with what they were bound to before.
    private var trail: [(variable: Int, before: CELType?)] = []

    mutating func newVariable() -> CELType {
        bindings.append(nil)
        return .variable(bindings.count - 1)
    }

    /// Whether a value of type `right` can be used as `left`. What follows for variables is kept only if so.
    mutating func unify(_ left: CELType, _ right: CELType) -> Bool { unify([left], [right]) }

    mutating func unify(_ left: [CELType], _ right: [CELType]) -> Bool {
        trail.removeAll(keepingCapacity: true)
        if agreeAll(left, right) { return true }
        for (variable, before) in trail.reversed() { bindings[variable] = before }
        return false
    }

    /// The type with all that is known filled in. With `freeToDyn`, what is not known is dyn.
    func resolve(_ type: CELType, freeToDyn: Bool = false) -> CELType {
        switch type {
        case .variable(let number):
            if let bound = bindings[number] { return resolve(bound, freeToDyn: freeToDyn) }
            return freeToDyn ? .dyn : type
        case .parameter: return freeToDyn ? .dyn : type
        case .list(let element): return .list(resolve(element, freeToDyn: freeToDyn))
        case .map(let key, let value): return .map(resolve(key, freeToDyn: freeToDyn), resolve(value, freeToDyn: freeToDyn))
        case .opaque(let name, let parameters): return .opaque(name, parameters.map { resolve($0, freeToDyn: freeToDyn) })
        case .type(let inner?): return .type(resolve(inner, freeToDyn: freeToDyn))
        default: return type
        }
    }

    /// A signature with variables of this call's own in place of its parameters.
    mutating func instantiate(_ types: [CELType]) -> [CELType] {
        var variables: [String: CELType] = [:]
        return types.map { instantiate($0, &variables) }
    }

    private mutating func instantiate(_ type: CELType, _ variables: inout [String: CELType]) -> CELType {
        switch type {
        case .parameter(let name):
            if let known = variables[name] { return known }
            let variable = newVariable()
            variables[name] = variable
            return variable
        case .list(let element): return .list(instantiate(element, &variables))
        case .map(let key, let value): return .map(instantiate(key, &variables), instantiate(value, &variables))
        case .opaque(let name, let parameters): return .opaque(name, parameters.map { instantiate($0, &variables) })
        case .type(let inner?): return .type(instantiate(inner, &variables))
        default: return type
        }
    }

    private mutating func bind(_ variable: Int, _ type: CELType) {
        trail.append((variable, bindings[variable]))
        bindings[variable] = type
    }

    private mutating func agreeAll(_ left: [CELType], _ right: [CELType]) -> Bool {
        guard left.count == right.count else { return false }
        for (one, other) in zip(left, right) where !agree(one, other) { return false }
        return true
    }

    private mutating func agree(_ left: CELType, _ right: CELType) -> Bool {
        if case .variable(let number) = right {
            let (isGood, isBound) = substitute(left, for: number)
            if isGood || isBound { return isGood }
        }
        if case .variable(let number) = left { return substitute(right, for: number).isGood }
        if left.isDynOrError || right.isDynOrError { return true }
        if left == .null { return Self.isNullable(right) }
        if right == .null { return Self.isNullable(left) }
        switch (left, right) {
        case (.wrapper(let one), .wrapper(let other)): return one == other
        case (let one, .wrapper(let other)), (.wrapper(let other), let one): return one == other
        case (.type, .type): return true
        case (.list, .list), (.map, .map): return agreeAll(left.parameters, right.parameters)
        case (.opaque(let one, let parameters), .opaque(let other, let others)): return one == other && agreeAll(parameters, others)
        default: return left == right
        }
    }

    /// Lets a variable stand for a type, or for the more general one of it and what it stands for already.
    private mutating func substitute(_ type: CELType, for variable: Int) -> (isGood: Bool, isBound: Bool) {
        if case .variable(variable) = type { return (true, true) }
        if let bound = bindings[variable] {
            if type == bound { return (true, true) }
            guard agree(type, bound) else { return (false, true) }
            let general = Self.moreGeneral(type, bound)
            if !occurs(variable, in: general) { bind(variable, general) }
            return (true, true)
        }
        guard !occurs(variable, in: type) else { return (false, false) }
        bind(variable, type)
        return (true, false)
    }

    private func occurs(_ variable: Int, in type: CELType) -> Bool {
        if case .variable(let other) = type { return other == variable || bindings[other].map { occurs(variable, in: $0) } ?? false }
        return type.parameters.contains { occurs(variable, in: $0) }
    }

    private static func isNullable(_ type: CELType) -> Bool {
        switch type {
        case .null, .wrapper, .opaque, .object, .any, .dyn, .duration, .timestamp: true
        default: false
        }
    }

    /// Of two types that agree, the one that says less.
    static func moreGeneral(_ left: CELType, _ right: CELType) -> CELType { isAsGeneral(left, right) ? left : right }

    private static func isAsGeneral(_ left: CELType, _ right: CELType) -> Bool {
        if left.isDyn { return true }
        if case .variable = left { return true }
        if right.isDyn { return false }
        if case .variable = right { return false }
        switch (left, right) {
        case (.list, .list), (.map, .map): break
        case (.opaque(let one, let parameters), .opaque(let other, let others)):
            guard one == other, parameters.count == others.count else { return false }
        case (.type, .type): return true
        default: return left == right
        }
        return zip(left.parameters, right.parameters).allSatisfy { isAsGeneral($0, $1) }
    }
}
