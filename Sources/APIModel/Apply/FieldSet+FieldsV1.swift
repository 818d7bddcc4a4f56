internal import OrderedCollections

/// The form that `metadata.managedFields[].fieldsV1` has.
extension FieldSet {
    /// - Throws: for a name that is no step of a path. Steps of a kind that is not known are left out.
    init(fieldsV1: Value) throws(PathElement.Malformed) {
        var entries: [Entry] = []
        for (text, inner) in fieldsV1.fields where text != "." {
            guard let element = try PathElement(text: text) else { continue }
            let children = try FieldSet(fieldsV1: inner)
            entries.append(Entry(element, isMember: children.isEmpty || inner.fields["."] != nil, children))
        }
        self.init(unsorted: entries)
    }

    var fieldsV1: Value { .object(contents(isMember: false)) }

    private func contents(isMember: Bool) -> Value.Fields {
        var fields = Value.Fields(minimumCapacity: entries.count + 1)
        if isMember, !entries.isEmpty { fields["."] = .emptyObject }
        for entry in entries { fields[entry.element.text] = .object(entry.children.contents(isMember: entry.isMember)) }
        return fields
    }
}
