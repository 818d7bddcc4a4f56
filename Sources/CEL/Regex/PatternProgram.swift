/// A pattern as instructions for `PatternMachine`.
struct PatternProgram: Sendable {
    enum Operation: UInt8, Sendable {
        case match, fail
        /// Goes on at `next`, and with less preference at `argument`.
        case split
        /// Notes the place in slot `argument`.
        case save
        /// Goes on only where assertion `argument` holds.
        case assert
        case scalar
        case characterClass
        case any
    }

    struct Instruction: Sendable {
        var operation: Operation
        var next: Int32 = 0
        var argument: UInt32 = 0
    }

    private(set) var instructions: ContiguousArray<Instruction> = []
    private(set) var classes: [CharacterClass] = []
    private(set) var start: Int32 = 0
    /// Whether it can match only at the beginning of the text.
    private(set) var isAnchored = false
    let captureNames: [String?]

    private var classNumbers: [CharacterClass: UInt32] = [:]

    init(_ pattern: String) throws(PatternError) {
        var parser = PatternParser(pattern)
        let node = try parser.parse()
        captureNames = parser.captureNames
        let match = add(Instruction(operation: .match))
        start = emit(PatternNode(.capture(0, node)), to: match)
        classNumbers = [:]
        isAnchored = startsAnchored()
    }

    private mutating func add(_ instruction: Instruction) -> Int32 {
        instructions.append(instruction)
        return Int32(instructions.count - 1)
    }

    /// Adds the instructions for a part that goes on at `next`, and returns where they begin.
    private mutating func emit(_ node: PatternNode, to next: Int32) -> Int32 {
        switch node.syntax {
        case .empty: return next
        case .scalar(let scalar): return add(Instruction(operation: .scalar, next: next, argument: scalar))
        case .any: return add(Instruction(operation: .any, next: next))
        case .characterClass(let members):
            if members.ranges.isEmpty { return add(Instruction(operation: .fail)) }
            return add(Instruction(operation: .characterClass, next: next, argument: number(of: members)))
        case .assertion(let assertion): return add(Instruction(operation: .assert, next: next, argument: UInt32(assertion.rawValue)))
        case .capture(let index, let node):
            let end = add(Instruction(operation: .save, next: next, argument: UInt32(index * 2 + 1)))
            return add(Instruction(operation: .save, next: emit(node, to: end), argument: UInt32(index * 2)))
        case .sequence(let nodes): return nodes.reversed().reduce(next) { emit($1, to: $0) }
        case .alternatives(let nodes):
            var start = emit(nodes[nodes.count - 1], to: next)
            for node in nodes.dropLast().reversed() { start = split(emit(node, to: next), start, isGreedy: true) }
            return start
        case .repetition(let node, let min, let max, let isGreedy): return repetition(node, min, max, isGreedy, next)
        }
    }

    private mutating func number(of members: CharacterClass) -> UInt32 {
        if let known = classNumbers[members] { return known }
        classes.append(members)
        classNumbers[members] = UInt32(classes.count - 1)
        return UInt32(classes.count - 1)
    }

    private mutating func split(_ first: Int32, _ second: Int32, isGreedy: Bool) -> Int32 {
        let (preferred, other) = isGreedy ? (first, second) : (second, first)
        return add(Instruction(operation: .split, next: preferred, argument: UInt32(bitPattern: other)))
    }

    private mutating func repetition(_ node: PatternNode, _ min: Int, _ max: Int?, _ isGreedy: Bool, _ next: Int32) -> Int32 {
        var start = next
        if let max {
            // x{2,4} is xx(x(x)?)?
            for _ in min..<Swift.max(max, min) { start = split(emit(node, to: start), next, isGreedy: isGreedy) }
            for _ in 0..<min { start = emit(node, to: start) }
            return start
        }
        let loop = add(Instruction(operation: .split))
        let body = emit(node, to: loop)
        let (preferred, other) = isGreedy ? (body, next) : (next, body)
        instructions[Int(loop)] = Instruction(operation: .split, next: preferred, argument: UInt32(bitPattern: other))
        if min == 0 { return Self.mayBeEmpty(node) ? split(body, next, isGreedy: isGreedy) : loop }
        start = body
        for _ in 1..<Swift.max(min, 1) { start = emit(node, to: start) }
        return start
    }

    /// Whether a part can match nothing. Such a part in a loop is entered before the loop is, so that a first empty round counts.
    private static func mayBeEmpty(_ node: PatternNode) -> Bool {
        switch node.syntax {
        case .empty, .assertion: true
        case .scalar, .any, .characterClass: false
        case .capture(_, let node): mayBeEmpty(node)
        case .repetition(let node, let min, _, _): min == 0 || mayBeEmpty(node)
        case .sequence(let nodes): nodes.allSatisfy(mayBeEmpty)
        case .alternatives(let nodes): nodes.contains(where: mayBeEmpty)
        }
    }

    private func startsAnchored() -> Bool {
        var index = start
        while instructions[Int(index)].operation == .save { index = instructions[Int(index)].next }
        let instruction = instructions[Int(index)]
        return instruction.operation == .assert && instruction.argument == UInt32(Assertion.beginText.rawValue)
    }
}
