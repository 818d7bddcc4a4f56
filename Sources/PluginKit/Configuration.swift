internal import APIModel
internal import OrderedCollections

extension Component {
    /// An instance for a manifest, whose `config` has only what the component knows.
    static func make(_ host: Host, _ config: Value) throws -> Self {
        for name in config.fields.keys where !settings.contains(name) {
            let known = settings.isEmpty ? "there are no settings" : "known are \(settings.sorted().joined(separator: ", "))"
            throw ComponentError.invalid("config.\(name): unknown field; \(known)")
        }
        return try Self(host, config: config)
    }
}
