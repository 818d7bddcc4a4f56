/// Which fields a write through some resource or sub-resource can own at all.
public enum FieldFilter: Sendable {
    /// All but these and what is below them.
    case excluding(FieldSet)
    /// Only what lies on these ways or beyond their ends; `*` stands for any step.
    case including([[String]])

    public static let none = FieldFilter.excluding(FieldSet())

    /// What differs of what can be owned.
    func comparison(_ old: Value, _ new: Value, _ shape: MergeShape) -> Comparison {
        switch self {
        case .excluding(let unwanted): Comparison(old, new, shape, except: unwanted)
        case .including: Comparison(old, new, shape).map(apply)
        }
    }

    func apply(to set: FieldSet) -> FieldSet {
        switch self {
        case .excluding(let unwanted): set.subtractingAll(unwanted)
        case .including(let ways): Self.include(set, ways.map { $0[...] })
        }
    }

    private static func include(_ set: FieldSet, _ ways: [ArraySlice<String>]) -> FieldSet {
        set.map { entry in
            let onward = ways.filter { way in
                if way.first == "*" { return true }
                guard case .field(let name) = entry.element else { return false }
                return way.first == name
            }.map { $0.dropFirst() }
            if onward.isEmpty { return FieldSet.Entry(entry.element, isMember: false) }
            if onward.contains(where: \.isEmpty) { return entry }
            return FieldSet.Entry(entry.element, isMember: entry.isMember, include(entry.children, onward))
        }
    }
}
