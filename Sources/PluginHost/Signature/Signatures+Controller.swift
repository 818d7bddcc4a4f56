internal import PluginAPI

extension Signatures {
    static let controller = TableDescriptor(
        APUS_CONTROLLER, number: 1, size: MemoryLayout<apus_controller>.size,
        [
            SlotDescriptor(
                "reconcile", [.me, .structure(key), .number(bytes: 8, .inOut), .sink(limit: sentence)], .status, Tag(.worker, .running),
                deadline: .seconds(60)),
            SlotDescriptor(
                "map", [.me, .bytes, .bytes, .bytes, .callbacks(keys)], .void, Tag(.worker, .running), isRequired: false,
                deadline: .seconds(5)),
            SlotDescriptor(
                "map_kinds", [.me, .int64, .callbacks(keys)], .void, Tag(.worker, .running), isRequired: false, deadline: .seconds(5)),
            SlotDescriptor(
                "cleanup", [.me, .sink(limit: sentence)], .status, Tag(.control, .loaded, .running, .stopped), isRequired: false,
                deadline: .seconds(30)),
        ])

    static let keys = Callbacks("apus_key_sink", [SlotDescriptor("add", [.me, .structure(key)], .void, Tag(.any, .running))], life: .call)

    static let key = Layout(
        "apus_key", size: MemoryLayout<apus_key>.stride,
        [
            .init(offset: at(\apus_key.resource), target: .bytes),
            .init(offset: at(\apus_key.namespace_), target: .bytes),
            .init(offset: at(\apus_key.name), target: .bytes),
            .init(offset: at(\apus_key.uid), target: .bytes),
        ])
}
