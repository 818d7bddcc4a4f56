/// Several things that are wrong, in one sentence.
enum Aggregate {
    /// `[a, b]`, each thing once; the thing itself where there is one, `nil` where there is none.
    static func text(_ problems: [String]) -> String? {
        var seen: Set<String> = []
        let different = problems.filter { seen.insert($0).inserted }
        return switch different.count {
        case 0: nil
        case 1: different[0]
        default: "[\(different.joined(separator: ", "))]"
        }
    }
}
