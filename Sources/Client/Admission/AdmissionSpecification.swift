public import APIModel

/// When an admission plugin is asked.
public enum AdmissionPhase: String, Sendable, CaseIterable {
    /// It may change the object, before that is checked.
    case mutate = "Mutate"
    /// It may refuse the object as it will be written.
    case validate = "Validate"
}

/// What a manifest says of an admission plugin under `admission`.
public struct AdmissionSpecification: Sendable, Hashable {
    /// Which requests concern it, in a webhook's fields: `rules`, `matchPolicy`, `namespaceSelector`, `objectSelector`, `matchConditions`.
    public var match: Value
    /// Whether a request that it cannot be asked about is refused.
    public var failsClosed: Bool
    /// `nil` for every one that the plugin has a slot for.
    public var phases: Set<AdmissionPhase>?
    /// Whether it is asked again when another changed the object after it.
    public var isReinvoked: Bool

    public init(match: Value, failsClosed: Bool = true, phases: Set<AdmissionPhase>? = nil, isReinvoked: Bool = false) {
        self.match = match
        self.failsClosed = failsClosed
        self.phases = phases
        self.isReinvoked = isReinvoked
    }
}
