public import APIModel

/// Which changes of a watched kind concern a controller: what it excludes never wakes it.
public struct WatchFilter: Sendable, Hashable {
    /// What happened to an object. The raw value is the manifest's.
    public enum Event: String, Sendable, CaseIterable {
        case added = "Added"
        case modified = "Modified"
        case deleted = "Deleted"
    }

    /// `field=value` or `field!=value`.
    struct FieldTest: Sendable, Hashable {
        var path: ObjectPath
        var isEqual: Bool
        var value: String
    }

    var labels = LabelSelector.everything
    var fields: [FieldTest] = []
    var events = Set(Event.allCases)
    /// Of a modification, at least one of these must have changed; any change will do where there is none.
    var changes: [ObjectPath] = []
    /// At least one of these must lead to something; an object need have nothing where there is none.
    var has: [ObjectPath] = []

    /// Whether the change concerns the controller: an object counts that matches before or after it.
    public func admits(_ before: Object?, _ after: Object?) -> Bool {
        let event: Event = before == nil ? .added : after == nil ? .deleted : .modified
        guard events.contains(event), [before, after].contains(where: { $0.map(matches) ?? false }) else { return false }
        guard !changes.isEmpty, let before, let after else { return true }
        return changes.contains { $0.value(in: before.value) != $0.value(in: after.value) }
    }

    private func matches(_ object: Object) -> Bool {
        fields.allSatisfy { ($0.path.text(in: object.value) == $0.value) == $0.isEqual }
            && (labels.isEmpty || labels.matches(labelsOf: object.value))
            && (has.isEmpty || has.contains { $0.isPlural ? !$0.texts(in: object.value).isEmpty : !$0.value(in: object.value).isEmpty })
    }
}
