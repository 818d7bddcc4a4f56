internal import PluginAPI

/// What a component can be. The raw value is the manifest's `spec.kind`.
public enum ExtensionKind: String, Sendable, CaseIterable {
    case schedulerPolicy = "SchedulerPolicy"
    case controller = "Controller"
    case runtime = "Runtime"
    case proxy = "Proxy"

    /// What the host must know of an extension to check a table: every table starts with its size, and one pointer a slot follows.
    struct Descriptor: Sendable {
        let id: String
        let size: Int
        let slots: [Slot]
        /// Whether several plugins of the kind can run at once.
        let isShared: Bool
    }

    struct Slot: Sendable {
        let name: String
        let isRequired: Bool
        static func required(_ name: String) -> Slot { Slot(name: name, isRequired: true) }
        static func optional(_ name: String) -> Slot { Slot(name: name, isRequired: false) }
    }

    var descriptor: Descriptor { Self.descriptors[self]! }

    private static let descriptors: [ExtensionKind: Descriptor] = [
        .schedulerPolicy: Descriptor(
            id: APUS_SCHEDULER_POLICY, size: MemoryLayout<apus_scheduler_policy>.size, slots: [.optional("prefilter"), .optional("filter"), .optional("score")], isShared: true),
        .controller: Descriptor(id: APUS_CONTROLLER, size: MemoryLayout<apus_controller>.size, slots: [.required("reconcile"), .optional("map")], isShared: true),
        .runtime: Descriptor(
            id: APUS_RUNTIME, size: MemoryLayout<apus_runtime>.size,
            slots: [.required("call"), .optional("subscribe"), .optional("open"), .optional("send"), .optional("close")], isShared: false),
        .proxy: Descriptor(id: APUS_PROXY, size: MemoryLayout<apus_proxy>.size, slots: [.required("sync"), .required("cleanup")], isShared: false),
    ]
}
