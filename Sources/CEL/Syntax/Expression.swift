/// A node of the syntax tree, with macros expanded.
///
/// Nodes are numbered from 0; what the checker finds out about one is kept by its number. A tree is made, checked and planned by one caller
/// and then dropped, so nodes are classes that the checker may rewrite.
final class Expression {
    let id: Int
    /// Where it stands: the operator of a call, the bracket of an index or a list, the dot of a selection.
    let offset: Int
    var kind: Kind

    indirect enum Kind {
        case literal(CELValue)
        case identifier(String)
        /// `operand.field`; with `isTest` it asks whether the field is there.
        case select(Expression, field: String, isTest: Bool)
        case call(Call)
        /// The elements, and which of them are optional.
        case list([Expression], optional: Set<Int>)
        case map([MapEntry])
        case structure(name: String, [StructureField])
        case comprehension(Comprehension)
        /// What stands where an error was reported.
        case missing
    }

    init(id: Int, offset: Int, _ kind: Kind) {
        self.id = id
        self.offset = offset
        self.kind = kind
    }

    var identifier: String? { if case .identifier(let name) = kind { name } else { nil } }
    var literal: CELValue? { if case .literal(let value) = kind { value } else { nil } }

    /// `a.b.c`, where the expression is nothing but names.
    var qualifiedName: String? {
        switch kind {
        case .identifier(let name): name
        case .select(let operand, let field, isTest: false): operand.qualifiedName.map { "\($0).\(field)" }
        default: nil
        }
    }
}

struct Call {
    var function: String
    /// What stands before the dot of a method.
    var target: Expression?
    var arguments: [Expression]

    /// The target, if any, and the arguments.
    var operands: [Expression] { (target.map { [$0] } ?? []) + arguments }
}

struct MapEntry {
    var key: Expression
    var value: Expression
    var isOptional: Bool
}

struct StructureField {
    var name: String
    var value: Expression
    var isOptional: Bool
    var offset: Int
}

/// A loop over a list or a map that folds its elements into a value, or a name bound to a value.
struct Comprehension {
    /// How it is evaluated. Checking and cost do not look at it.
    enum Form {
        /// Stops at the first element that is false, and lets one take back the error of another.
        case all
        /// Stops at the first element that is true, and lets one take back the error of another.
        case exists
        /// Visits every element.
        case fold
        /// Visits every element to make a list: the step appends to the accumulator, or does so under a condition.
        case list
        /// As `list`, to make a map: the step inserts.
        case map
        /// No loop: the accumulator is a name for the initial value, evaluated when it is first used.
        case bind
    }

    var form: Form
    var range: Expression
    var variable: String
    var secondVariable: String?
    var accumulator: String
    var initial: Expression
    var condition: Expression
    var step: Expression
    var result: Expression

    static let accumulatorName = "@result"
}

/// The functions that operators are calls of.
enum Operator {
    static let conditional = "_?_:_"
    static let and = "_&&_"
    static let or = "_||_"
    static let not = "!_"
    static let notStrictlyFalse = "@not_strictly_false"
    static let equals = "_==_"
    static let notEquals = "_!=_"
    static let less = "_<_"
    static let lessEquals = "_<=_"
    static let greater = "_>_"
    static let greaterEquals = "_>=_"
    static let add = "_+_"
    static let subtract = "_-_"
    static let multiply = "_*_"
    static let divide = "_/_"
    static let modulo = "_%_"
    static let negate = "-_"
    static let index = "_[_]"
    static let optionalIndex = "_[?_]"
    static let optionalSelect = "_?._"
    static let `in` = "@in"
    static let mapInsert = "cel.@mapInsert"

    static let relations: [TokenKind: String] = [
        .equals: equals, .notEquals: notEquals, .less: less, .lessEquals: lessEquals, .greater: greater, .greaterEquals: greaterEquals,
        .in: `in`,
    ]
    static let sums: [TokenKind: String] = [.plus: add, .minus: subtract]
    static let products: [TokenKind: String] = [.star: multiply, .slash: divide, .percent: modulo]

    /// Whether the token stands between two operands of a relation, a sum or a product.
    static func isBinary(_ kind: TokenKind) -> Bool { relations[kind] != nil || sums[kind] != nil || products[kind] != nil }
}
