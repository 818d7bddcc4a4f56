/// A set of functions, macros and types that an environment can have.
public struct Library: Sendable {
    let name: String
    let functions: [Function]
    let macros: [Macro]
    /// Names that stand for types: `type(x) == net.IP`.
    let types: [CELType]

    init(_ name: String, _ functions: [Function], macros: [Macro] = [], types: [CELType] = []) {
        self.name = name
        self.functions = functions
        self.macros = macros
        self.types = types
    }
}

/// A function and its overloads: one for each combination of types that it takes.
struct Function: Sendable {
    let name: String
    var overloads: [Overload]

    init(_ name: String, _ overloads: Overload...) { self.init(name, overloads) }

    init(_ name: String, _ overloads: [Overload]) {
        self.name = name
        self.overloads = overloads
    }
}

/// One signature of a function, and what it does.
final class Overload: Sendable {
    typealias Implementation = @Sendable (Arguments, Evaluation) throws(EvaluationError) -> CELValue

    let id: String
    /// The types of the target, if it is a method, and of the arguments.
    let parameters: [CELType]
    let result: CELType
    let isMethod: Bool
    let cost: CallCost
    /// `nil` for what the planner has its own nodes for.
    let implementation: Implementation?
    /// Makes an implementation for a second operand that is constant, such as a pattern.
    let preparation: Preparation?
    /// Whether the types of arguments are looked at before a call, where the checker could not tell them.
    let isGuarded: Bool

    /// Makes the implementation for a constant.
    struct Preparation: Sendable {
        let make: @Sendable (CELValue) throws(EvaluationError) -> Implementation
    }

    private init(
        _ id: String, _ parameters: [CELType], _ result: CELType, isMethod: Bool, cost: CallCost, isGuarded: Bool,
        preparation: Preparation?,
        _ implementation: Implementation?
    ) {
        self.id = id
        self.parameters = parameters
        self.result = result
        self.isMethod = isMethod
        self.cost = cost
        self.isGuarded = isGuarded
        self.preparation = preparation
        self.implementation = implementation
    }

    static func global(
        _ id: String, _ parameters: [CELType], _ result: CELType, cost: CallCost = .one, isGuarded: Bool = true,
        preparation: Preparation? = nil,
        _ implementation: Implementation? = nil
    ) -> Overload {
        Overload(id, parameters, result, isMethod: false, cost: cost, isGuarded: isGuarded, preparation: preparation, implementation)
    }

    static func method(
        _ id: String, _ parameters: [CELType], _ result: CELType, cost: CallCost = .one, isGuarded: Bool = true,
        preparation: Preparation? = nil,
        _ implementation: Implementation? = nil
    ) -> Overload {
        Overload(id, parameters, result, isMethod: true, cost: cost, isGuarded: isGuarded, preparation: preparation, implementation)
    }
}
