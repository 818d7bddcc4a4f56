/// Fields of an object as a tree: what one manager owns, or what differs between two objects.
///
/// A field can be in the set, lead to fields that are, or both. A value; every operation costs what the sets have, not what the object has.
public struct FieldSet: Sendable, Equatable {
    public struct Entry: Sendable, Equatable {
        public var element: PathElement
        /// Whether the field itself is in the set; if not, some of those below are.
        public var isMember: Bool
        public var children: FieldSet

        init(_ element: PathElement, isMember: Bool, _ children: FieldSet = FieldSet()) {
            self.element = element
            self.isMember = isMember
            self.children = children
        }
    }

    /// Sorted, no element twice, none without a meaning.
    public private(set) var entries: [Entry] = []

    public init() {}

    /// - Parameter entries: in any order, no element twice.
    init(unsorted entries: [Entry]) {
        self.entries = entries.filter { $0.isMember || !$0.children.isEmpty }
        if self.entries.count > 1 { self.entries.sort { $0.element < $1.element } }
    }

    /// - Parameter entries: sorted, no element twice.
    private init(sorted entries: [Entry]) { self.entries = entries }

    /// The set of the fields at the ends of `paths`.
    public init(_ paths: [[PathElement]]) { self = paths.reduce(FieldSet()) { $0.union(FieldSet(path: $1[...])) } }

    private init(path: ArraySlice<PathElement>) {
        guard let first = path.first else { return }
        let rest = path.dropFirst()
        entries = [Entry(first, isMember: rest.isEmpty, FieldSet(path: rest))]
    }

    public var isEmpty: Bool { entries.isEmpty }

    /// What the set says of one step; `nil` where it says nothing.
    subscript(element: PathElement) -> Entry? {
        var (low, high) = (0, entries.count)
        while low < high {
            let middle = (low + high) / 2
            let order = PathElement.order(entries[middle].element, element)
            if order == 0 { return entries[middle] }
            if order < 0 { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    public func contains(_ path: [PathElement]) -> Bool {
        var set = self
        for (index, element) in path.enumerated() {
            guard let entry = set[element] else { return false }
            if index == path.count - 1 { return entry.isMember }
            set = entry.children
        }
        return false
    }

    /// Every field of the set, those further out first.
    public var paths: [[PathElement]] {
        var paths: [[PathElement]] = []
        collect([], &paths)
        return paths
    }

    private func collect(_ prefix: [PathElement], _ paths: inout [[PathElement]]) {
        for entry in entries where entry.isMember { paths.append(prefix + [entry.element]) }
        for entry in entries { entry.children.collect(prefix + [entry.element], &paths) }
    }

    // MARK: Operations

    public func union(_ other: FieldSet) -> FieldSet {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return merged(other) { mine, theirs in
            guard let mine else { return theirs }
            guard let theirs else { return mine }
            return Entry(mine.element, isMember: mine.isMember || theirs.isMember, mine.children.union(theirs.children))
        }
    }

    public func intersection(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return FieldSet() }
        return merged(other) { mine, theirs in
            guard let mine, let theirs else { return nil }
            return Entry(mine.element, isMember: mine.isMember && theirs.isMember, mine.children.intersection(theirs.children))
        }
    }

    /// Without the fields of `other`; what is below those stays.
    public func subtracting(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other) { mine, theirs in
            guard let mine, let theirs else { return mine }
            return Entry(mine.element, isMember: mine.isMember && !theirs.isMember, mine.children.subtracting(theirs.children))
        }
    }

    /// Without the fields of `other` and everything below them.
    public func subtractingAll(_ other: FieldSet) -> FieldSet {
        if isEmpty || other.isEmpty { return self }
        return merged(other) { mine, theirs in
            guard let mine, let theirs else { return mine }
            if theirs.isMember { return nil }
            return Entry(mine.element, isMember: mine.isMember, mine.children.subtractingAll(theirs.children))
        }
    }

    /// Each entry changed, those left out that come to nothing.
    func map(_ change: (Entry) -> Entry) -> FieldSet {
        FieldSet(sorted: entries.map(change).filter { $0.isMember || !$0.children.isEmpty })
    }

    private func merged(_ other: FieldSet, _ combine: (Entry?, Entry?) -> Entry?) -> FieldSet {
        var result: [Entry] = []
        result.reserveCapacity(entries.count)
        func add(_ mine: Entry?, _ theirs: Entry?) {
            if let entry = combine(mine, theirs), entry.isMember || !entry.children.isEmpty { result.append(entry) }
        }
        var (i, j) = (0, 0)
        while i < entries.count, j < other.entries.count {
            let order = PathElement.order(entries[i].element, other.entries[j].element)
            if order < 0 {
                add(entries[i], nil)
                i += 1
            } else if order > 0 {
                add(nil, other.entries[j])
                j += 1
            } else {
                add(entries[i], other.entries[j])
                i += 1
                j += 1
            }
        }
        while i < entries.count {
            add(entries[i], nil)
            i += 1
        }
        while j < other.entries.count {
            add(nil, other.entries[j])
            j += 1
        }
        return FieldSet(sorted: result)
    }
}
