public import APIModel
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

extension Value {
    /// A number among the settings that a manifest's `config` gives a component.
    ///
    /// Throws `ComponentError.invalid` where it is not a number of the range.
    public func setting(_ name: String, in range: ClosedRange<Whole>, default value: Whole) throws -> Whole {
        let given = self[name]
        guard let number = given.isNull ? value : given.int, range.contains(number) else {
            throw ComponentError.invalid("config.\(name): must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }
}
