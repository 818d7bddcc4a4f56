internal import OrderedCollections

/// What differs between two objects of a kind. No field is in two of the sets.
public struct Comparison: Sendable, Equatable {
    public var added = FieldSet()
    public var modified = FieldSet()
    public var removed = FieldSet()

    public var isEmpty: Bool { added.isEmpty && modified.isEmpty && removed.isEmpty }

    private init() {}

    /// - Parameter unseen: what is not looked at, with all that is below it.
    public init(_ old: Value, _ new: Value, _ shape: MergeShape, except unseen: FieldSet = FieldSet()) {
        var node = Node()
        node.unseen = unseen
        _ = node.visit(old, new, shape)
        self = node.comparison
    }

    /// The same with every set changed alike.
    func map(_ change: (FieldSet) -> FieldSet) -> Comparison {
        var mapped = Comparison()
        (mapped.added, mapped.modified, mapped.removed) = (change(added), change(modified), change(removed))
        return mapped
    }

    /// What became of a field itself.
    private enum Mark { case added, modified, removed }

    /// What became of the fields below one, gathered in the order met.
    private struct Node {
        var added: [FieldSet.Entry] = []
        var modified: [FieldSet.Entry] = []
        var removed: [FieldSet.Entry] = []
        var unseen = FieldSet()

        var comparison: Comparison {
            var comparison = Comparison()
            if !added.isEmpty { comparison.added = FieldSet(unsorted: added) }
            if !modified.isEmpty { comparison.modified = FieldSet(unsorted: modified) }
            if !removed.isEmpty { comparison.removed = FieldSet(unsorted: removed) }
            return comparison
        }

        mutating func add(_ element: @autoclosure () -> PathElement, _ mark: Mark?, _ inner: Comparison) {
            if mark == nil, inner.isEmpty { return }
            let element = element()
            if mark == .added || !inner.added.isEmpty { added.append(.init(element, isMember: mark == .added, inner.added)) }
            if mark == .modified || !inner.modified.isEmpty {
                modified.append(.init(element, isMember: mark == .modified, inner.modified))
            }
            if mark == .removed || !inner.removed.isEmpty { removed.append(.init(element, isMember: mark == .removed, inner.removed)) }
        }

        private mutating func descend(_ element: @autoclosure () -> PathElement, _ old: Value?, _ new: Value?, _ shape: MergeShape) {
            var node = Node()
            if !unseen.isEmpty, let entry = unseen[element()] {
                if entry.isMember { return }
                node.unseen = entry.children
            }
            // Most of an object stays as it was.
            if let old, let new, old == new { return }
            let mark = node.visit(old, new, shape)
            add(element(), mark, node.comparison)
        }

        /// Compares a value that is there at least once. What it comes to itself is returned, what is below it is gathered.
        mutating func visit(_ old: Value?, _ new: Value?, _ shape: MergeShape) -> Mark? {
            let form = shape.form(of: new ?? old)
            if let old, let new {
                let before = shape.form(of: old)
                if !before.isSame(as: form) {
                    let mark = visit(old, new, shape, before)
                    return visit(old, new, shape, form) ?? mark
                }
            }
            return visit(old, new, shape, form)
        }

        private mutating func visit(_ old: Value?, _ new: Value?, _ shape: MergeShape, _ form: MergeShape.Form) -> Mark? {
            switch form {
            case .scalar, .list(.none), .map(isAtomic: true): return Self.whole(old, new)
            case .list(let identity):
                let (before, after) = (old?.elements ?? [], new?.elements ?? [])
                // Whether there is an empty list or none is a difference of the whole.
                if before.isEmpty, after.isEmpty { return Self.whole(old, new) }
                list(before, after, identity, shape.element)
            case .map(isAtomic: false):
                let (before, after) = (old?.fields ?? [:], new?.fields ?? [:])
                if before.isEmpty, after.isEmpty { return Self.whole(old, new) }
                fields(before, after, shape)
            }
            return old == nil ? .added : new == nil ? .removed : nil
        }

        private static func whole(_ old: Value?, _ new: Value?) -> Mark? {
            guard let old else { return .added }
            guard let new else { return .removed }
            return old == new ? nil : .modified
        }

        private mutating func fields(_ old: Value.Fields, _ new: Value.Fields, _ shape: MergeShape) {
            for index in old.elements.indices {
                let (name, before) = old.elements[index]
                // Objects mostly have their fields in the same order.
                let isAligned = index < new.count && new.elements[index].key == name
                let after = isAligned ? new.elements[index].value : new[name]
                descend(.field(name), before, after, shape.field(name) ?? .deduced)
            }
            for (name, after) in new where old[name] == nil { descend(.field(name), nil, after, shape.field(name) ?? .deduced) }
        }

        private mutating func list(_ old: [Value], _ new: [Value], _ identity: MergeShape.Identity, _ shape: MergeShape) {
            let (before, after) = (identity.elements(of: old), identity.elements(of: new))
            for (element, values) in before { pair(element, values, after[element] ?? [], shape) }
            for (element, values) in after where before[element] == nil { pair(element, [], values, shape) }
        }

        /// Elements that are in a list more than once are compared as one.
        private mutating func pair(_ element: PathElement, _ old: [Value], _ new: [Value], _ shape: MergeShape) {
            switch (old.count, new.count) {
            case (...1, ...1): descend(element, old.first, new.first, shape)
            case (2..., 2...): if old != new { add(element, .modified, Comparison()) }
            case (2..., _):
                if let now = new.first { descend(element, nil, now, shape) }
                mark(element, .removed)
            default:
                if let before = old.first { descend(element, before, nil, shape) }
                mark(element, .added)
            }
        }

        /// What an element comes to beside what was gathered of it already.
        private mutating func mark(_ element: PathElement, _ mark: Mark) {
            switch mark {
            case .added: Self.mark(element, in: &added)
            case .modified: Self.mark(element, in: &modified)
            case .removed: Self.mark(element, in: &removed)
            }
        }

        private static func mark(_ element: PathElement, in entries: inout [FieldSet.Entry]) {
            if let index = entries.lastIndex(where: { $0.element == element }) {
                entries[index].isMember = true
            } else {
                entries.append(.init(element, isMember: true))
            }
        }
    }
}

extension MergeShape.Form {
    fileprivate func isSame(as other: MergeShape.Form) -> Bool {
        switch (self, other) {
        case (.scalar, .scalar), (.list, .list), (.map, .map): true
        default: false
        }
    }
}

extension Comparison {
    /// The outermost fields in which there is a difference, as `fieldsV1` writes them.
    var names: Set<String> {
        Set([added, modified, removed].flatMap { $0.entries.map(\.element.text) })
    }
}
