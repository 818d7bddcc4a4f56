internal import PluginAPI

extension Signatures {
    /// The slots of `apus_component`.
    static let component = TableDescriptor(
        "apus_component", number: 4, size: MemoryLayout<apus_component>.size, firstSlot: 32,
        [
            SlotDescriptor(
                "create", [.table, .host, .bytes, .newMe, .sink(limit: sentence)], .status, Tag(.control, .discovered),
                deadline: .seconds(30)),
            SlotDescriptor(
                "start", [.me, .sink(limit: sentence)], .status, Tag(.control, .loaded), isRequired: false, deadline: .seconds(60)),
            SlotDescriptor("stop", [.me], .void, Tag(.control, .loaded, .running, .stopped), isRequired: false, deadline: .seconds(60)),
            SlotDescriptor("destroy", [.me], .void, Tag(.control, .loaded, .stopped), isRequired: false, deadline: .seconds(30)),
        ])

    /// The slots of `apus_host`. It never crosses: each side makes its own.
    static let host = TableDescriptor(
        "apus_host", number: 255, size: MemoryLayout<apus_host>.size, firstSlot: 16,
        [SlotDescriptor("service", [.me, .text], .pointer, Tag(.any, .discovered, .loaded, .running, .stopped))])

    /// The one exported function.
    static let entry = SlotDescriptor("apus_plugin_entry", [], .pointer, Tag(.control, .discovered))
}
