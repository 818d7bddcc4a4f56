import APIModel
import Store

/// How one resource in one version is kept: an object is stored once, in the storage version of its resource, whichever version a client
/// speaks. Every part of a request carries it along, so it is one object and not a copy of all that it says.
final class Storage: Sendable {
    /// As the client names it.
    let type: ResourceType
    /// As it is kept.
    let stored: ResourceType
    let collection: String
    let strategy: any Strategy
    let conversion: any Conversion
    /// Asked where the versions of a custom kind differ in more than their name.
    let webhook: ConversionWebhook?
    let traits: Traits
    /// What the process that serves checks beyond the catalogue.
    let validator: (@Sendable (Value) -> [FieldError])?
    /// The expressions of a custom kind.
    let rules: CustomRules?
    let admission: AdmissionChain
    /// Whether what is stored differs from what is shown in this version.
    let isConverted: Bool

    init(
        _ type: ResourceType, stored: ResourceType, strategies: [String: any Strategy], conversion: any Conversion,
        validator: (@Sendable (Value) -> [FieldError])?, rules: CustomRules?, admission: [any AdmissionMember]
    ) {
        let collection = "\(stored.group)/\(stored.name)"
        self.type = type
        self.stored = stored
        self.collection = collection
        strategy = strategies[collection] ?? GenericStrategy()
        self.conversion = conversion
        webhook = type.custom?.webhook.map { ConversionWebhook($0) }
        traits = Self.traits(collection, type)
        self.validator = validator
        self.rules = rules
        self.admission = AdmissionChain(admission.filter { $0.concerns(collection: collection) })
        isConverted = type.groupVersion != stored.groupVersion || type.custom?.isStoredAsShown == false
    }

    func key(namespace: String, name: String) -> RecordKey {
        RecordKey(collection: collection, name: type.isNamespaced ? "\(namespace)/\(name)" : name)
    }

    /// What is wrong with an object that is about to be written: `found` by the tables, or else what kind and process know better.
    func problems(_ object: Value, old: Value?, _ target: Target, found: [FieldError]) -> [FieldError] {
        let errors = found + strategy.validate(object, old: old, target, found: found)
        if let rules { return errors + (Self.unjudged(errors).map { [$0] } ?? rules.validate(object, old: old)) }
        guard errors.isEmpty else { return errors }
        guard target.subresource.isEmpty, let validator else { return errors }
        return validator(object)
    }
}

extension Storage {
    /// Said in the place of what expressions say, where an object is not even of the form that they are made for.
    private static func unjudged(_ errors: [FieldError]) -> FieldError? {
        let blocking: Set<FieldError.Kind> = [.notSupported, .required, .tooLong, .tooMany, .typeInvalid]
        guard errors.contains(where: { blocking.contains($0.type) }) else { return nil }
        let problem =
            "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation"
        return .invalid("<nil>", .null, problem)
    }

    /// What differs between kinds in ways a table can say.
    struct Traits: OptionSet, Sendable {
        let rawValue: UInt16
        /// `metadata.generation` counts changes: `Storage.raisesGeneration`.
        static let generation = Traits(rawValue: 1)
        /// A PUT of an object that does not exist creates it.
        static let createsOnUpdate = Traits(rawValue: 2)
        /// A create may bring its status along.
        static let keepsStatus = Traits(rawValue: 4)
        /// A PUT must say which resourceVersion it replaces.
        static let needsResourceVersion = Traits(rawValue: 8)
        /// There is a status, which only the status subresource writes.
        static let status = Traits(rawValue: 16)
        /// A delete that does not say what becomes of its dependents leaves them.
        static let orphans = Traits(rawValue: 32)
    }

    private static let createsOnUpdate = words(
        """
        /endpoints /events /limitranges /services coordination.k8s.io/leases rbac.authorization.k8s.io/roles rbac.authorization.k8s.io/rolebindings
        rbac.authorization.k8s.io/clusterroles rbac.authorization.k8s.io/clusterrolebindings
        """)
    private static let keepsStatus = words("/nodes")
    private static let orphans = words("/replicationcontrollers batch/jobs")
    private static let needsResourceVersion = words(
        "coordination.k8s.io/leases apiextensions.k8s.io/customresourcedefinitions apiregistration.k8s.io/apiservices")

    static func words(_ text: String) -> Set<String> { Set(text.split(whereSeparator: \.isWhitespace).map(String.init)) }

    static func traits(_ collection: String, _ type: ResourceType) -> Traits {
        var traits: Traits = []
        if countingGenerations.contains(collection) { traits.insert(.generation) }
        if createsOnUpdate.contains(collection) { traits.insert(.createsOnUpdate) }
        if keepsStatus.contains(collection) { traits.insert(.keepsStatus) }
        if orphans.contains(collection) { traits.insert(.orphans) }
        if needsResourceVersion.contains(collection) { traits.insert(.needsResourceVersion) }
        if type.subresource("status") != nil { traits.insert(.status) }
        if type.custom != nil { traits.formUnion([.generation, .needsResourceVersion]) }
        return traits
    }
}
