public import APIModel

/// What the objects of a resource can be found by without looking at all of them. Kept up to date with each change, at the cost of the
/// object that changed.
public enum CacheIndex: Hashable, Sendable {
    /// What a field says, or each of several; an object whose field is empty is not found.
    case field(ObjectPath)
    /// The value of a label; an object without the label is not found.
    case label(String)
    /// Every label that there is, each namespace by itself.
    case labels
    /// Selectors at a path, found by the labels that they match. The core group's kinds (Service, ReplicationController) have a map of
    /// labels there and mean nobody by an empty one; all others have a LabelSelector.
    case selector(ObjectPath)
    /// Objects that nobody controls, found by a selector that they match.
    case orphans
}

/// An object's name among those of its resource.
struct ObjectName: Hashable, Comparable, Sendable {
    var namespace: String
    var name: String

    static func < (left: ObjectName, right: ObjectName) -> Bool { (left.namespace, left.name) < (right.namespace, right.name) }
}

/// One index of one resource: names of objects by what they are found by.
struct IndexEntries: Sendable {
    private let kind: CacheIndex
    private let isCoreGroup: Bool
    private var names: [String: Set<ObjectName>] = [:]
    /// Of `.selector`: what is at the path of each object, and the entry it stands under.
    private var selectors: [ObjectName: (selector: LabelSelector, entry: String)] = [:]

    init(_ kind: CacheIndex, of resource: GroupVersionResource) {
        self.kind = kind
        isCoreGroup = resource.group.isEmpty
    }

    /// The object is now so; `nil` is one that is not there.
    mutating func update(_ name: ObjectName, before: Object?, after: Object?) {
        if case .selector(let path) = kind { return updateSelector(name, path, after) }
        let old = before.map { entries(of: $0, name) } ?? []
        let new = after.map { entries(of: $0, name) } ?? []
        guard old != new else { return }
        for entry in old where !new.contains(entry) { remove(name, from: entry) }
        for entry in new { names[entry, default: []].insert(name) }
    }

    /// The objects of one entry.
    subscript(entry: String) -> Set<ObjectName> { names[entry] ?? [] }

    /// Of `.selector`: the objects whose selector matches `labels`.
    func selecting(_ namespace: String, _ labels: [String: String]) -> [ObjectName] {
        let candidates = [Self.entry(namespace)] + labels.map { Self.entry(namespace, $0.key, $0.value) }
        return candidates.flatMap { names[$0] ?? [] }.filter { selectors[$0]?.selector.matches(labels) == true }
    }

    /// Of `.labels`: the objects of a namespace that have one label, that of `labels` which the fewest have.
    func labelled(_ namespace: String, _ labels: [(key: String, value: String)]) -> Set<ObjectName>? {
        labels.map { names[Self.entry(namespace, $0.key, $0.value)] ?? [] }.min { $0.count < $1.count }
    }

    /// Of `.orphans`: those of a namespace, or fewer, but all that `selector` matches.
    func orphans(_ namespace: String, _ selector: LabelSelector) -> Set<ObjectName> {
        let all = names[Self.entry(namespace)] ?? []
        let narrower = selector.equalities.map { names[Self.entry(namespace, $0.key, $0.value)] ?? [] }
        return ([all] + narrower).min { $0.count < $1.count } ?? all
    }

    private func entries(of object: Object, _ name: ObjectName) -> [String] {
        switch kind {
        case .field(let path): return path.texts(in: object.value)
        case .label(let key): return object.labels[key].map { [$0] } ?? []
        case .labels: return object.labels.map { Self.entry(name.namespace, $0.key, $0.value) }
        case .orphans:
            guard object.controllerReference.isNull else { return [] }
            return [Self.entry(name.namespace)] + object.labels.map { Self.entry(name.namespace, $0.key, $0.value) }
        case .selector: return []
        }
    }

    private mutating func updateSelector(_ name: ObjectName, _ path: ObjectPath, _ object: Object?) {
        let selector = object.map { read(path, $0) }
        guard selectors[name]?.selector != selector else { return }
        if let old = selectors.removeValue(forKey: name) { remove(name, from: old.entry) }
        guard let selector, selector != LabelSelector.nothing else { return }
        // Under what it has in common with the fewest others.
        let entries = selector.equalities.map { Self.entry(name.namespace, $0.key, $0.value) }
        let entry = entries.min { (names[$0]?.count ?? 0) < (names[$1]?.count ?? 0) } ?? Self.entry(name.namespace)
        selectors[name] = (selector, entry)
        names[entry, default: []].insert(name)
    }

    private func read(_ path: ObjectPath, _ object: Object) -> LabelSelector {
        let value = path.value(in: object.value)
        guard isCoreGroup else { return (try? LabelSelector(value)) ?? .nothing }
        return value.isEmpty ? .nothing : LabelSelector(labels: value.strings)
    }

    private mutating func remove(_ name: ObjectName, from entry: String) {
        names[entry]?.remove(name)
        if names[entry]?.isEmpty == true { names[entry] = nil }
    }

    /// Names of namespaces and labels have no spaces.
    private static func entry(_ namespace: String) -> String { namespace }
    private static func entry(_ namespace: String, _ key: String, _ value: String) -> String { "\(namespace) \(key) \(value)" }
}
