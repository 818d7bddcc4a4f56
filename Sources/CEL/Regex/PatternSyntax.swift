/// A parsed pattern.
indirect enum PatternSyntax {
    case empty
    case scalar(UInt32)
    case any
    case characterClass(CharacterClass)
    case assertion(Assertion)
    case capture(Int, PatternNode)
    /// At least `min` and at most `max` times; as often as possible if `isGreedy`.
    case repetition(PatternNode, min: Int, max: Int?, isGreedy: Bool)
    case sequence([PatternNode])
    case alternatives([PatternNode])
}

enum Assertion: UInt8, Sendable {
    case beginLine, endLine, beginText, endText, wordBoundary, noWordBoundary
}

/// A part of a pattern with what bounds its size.
struct PatternNode {
    let syntax: PatternSyntax
    /// How many instructions it will take, about.
    let size: Int
    /// How often its innermost part is repeated by counts, at most.
    let repetitions: Int

    init(_ syntax: PatternSyntax) {
        self.syntax = syntax
        switch syntax {
        case .empty, .scalar, .any, .characterClass, .assertion: (size, repetitions) = (1, 1)
        case .capture(_, let node): (size, repetitions) = (Self.add(node.size, 2), node.repetitions)
        case .repetition(let node, let min, let max, _):
            let count = Swift.max(max ?? (min == 0 ? 1 : min), 1)
            size = Self.add(Self.multiply(node.size, Swift.max(max ?? min + 1, 1)), Swift.max(max ?? 1, 1))
            // What is repeated zero times is not there.
            repetitions = max == 0 ? 1 : Self.multiply(node.repetitions, count)
        case .sequence(let nodes), .alternatives(let nodes):
            size = nodes.reduce(nodes.count) { Self.add($0, $1.size) }
            repetitions = nodes.map(\.repetitions).max() ?? 1
        }
    }

    private static func add(_ left: Int, _ right: Int) -> Int {
        let (sum, isBeyond) = left.addingReportingOverflow(right)
        return isBeyond ? .max : sum
    }
    private static func multiply(_ left: Int, _ right: Int) -> Int {
        let (product, isBeyond) = left.multipliedReportingOverflow(by: right)
        return isBeyond ? .max : product
    }
}

/// Why a pattern is none, in the words of Go's `regexp`.
public struct PatternError: Error, Sendable, Hashable, CustomStringConvertible {
    public var description: String

    init(_ problem: String, _ text: String) { description = "error parsing regexp: \(problem): `\(text)`" }
    init(_ problem: String) { description = "error parsing regexp: \(problem)" }
}
