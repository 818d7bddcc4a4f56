/// What a component can be. The raw value is the manifest's `spec.kind`.
public enum ExtensionKind: String, Sendable, CaseIterable {
    case schedulerPolicy = "SchedulerPolicy"
    case controller = "Controller"
    case runtime = "Runtime"
    case proxy = "Proxy"
    case admission = "Admission"

    /// The table that a component of this kind offers.
    var descriptor: TableDescriptor { Self.descriptors[self]! }

    /// Where the slots of `apus_component` begin, in numbers that count those of the extension first.
    static let firstLifeCycleSlot = 128

    /// The slot of that number, as the headers name it; `nil` when there is none.
    public func slotName(_ number: Int) -> String? {
        let (slots, index) =
            number < Self.firstLifeCycleSlot
            ? (descriptor.slots, number) : (Signatures.component.slots, number - Self.firstLifeCycleSlot)
        return slots.indices.contains(index) ? slots[index].name : nil
    }

    private static let descriptors: [ExtensionKind: TableDescriptor] = [
        .schedulerPolicy: Signatures.schedulerPolicy, .controller: Signatures.controller, .runtime: Signatures.runtime,
        .proxy: Signatures.proxy, .admission: Signatures.admission,
    ]
}
