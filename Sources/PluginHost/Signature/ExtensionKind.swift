/// What a component can be. The raw value is the manifest's `spec.kind`.
public enum ExtensionKind: String, Sendable, CaseIterable {
    case schedulerPolicy = "SchedulerPolicy"
    case controller = "Controller"
    case runtime = "Runtime"
    case proxy = "Proxy"

    /// The table that a component of this kind offers.
    var descriptor: TableDescriptor { Self.descriptors[self]! }

    private static let descriptors: [ExtensionKind: TableDescriptor] = [
        .schedulerPolicy: Signatures.schedulerPolicy, .controller: Signatures.controller, .runtime: Signatures.runtime,
        .proxy: Signatures.proxy,
    ]
}
