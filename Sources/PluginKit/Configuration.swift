public import APIModel
internal import OrderedCollections

extension Value {
    /// Refuses a plugin's configuration with a field that the plugin does not know: a typo must not become a default.
    /// - Throws: `ComponentError.invalid` naming the field.
    public func requireFields(_ known: Set<String>) throws {
        for (name, _) in fields where !known.contains(name) {
            throw ComponentError.invalid("config.\(name): unknown field; \(known.isEmpty ? "there are no settings" : "known are \(known.sorted().joined(separator: ", "))")")
        }
    }
}
