internal import PluginAPI

extension Signatures {
    static let hostLog = TableDescriptor(
        APUS_HOST_LOG, number: 5, size: MemoryLayout<apus_host_log>.size,
        [SlotDescriptor("write", [.me, .int32, .bytes], .void, Tag(.any, .discovered, .loaded, .running, .stopped))])

    static let hostObjects = TableDescriptor(
        APUS_HOST_OBJECTS, number: 6, size: MemoryLayout<apus_host_objects>.size,
        [
            SlotDescriptor("get", [.me, .structure(reference), .sink(limit: answer)], .status, work),
            SlotDescriptor("list", [.me, .structure(reference), .bytes, .callbacks(objects)], .status, work),
            SlotDescriptor("dependents", [.me, .structure(reference), .bytes, .callbacks(objects)], .status, work),
            SlotDescriptor("create", [.me, .structure(reference), .bytes, .sink(limit: answer)], .status, work),
            SlotDescriptor("update", [.me, .structure(reference), .bytes, .sink(limit: answer)], .status, work),
            SlotDescriptor("patch", [.me, .structure(reference), .int32, .bytes, .sink(limit: answer)], .status, work),
            SlotDescriptor("remove", [.me, .structure(reference), .bytes, .sink(limit: answer)], .status, work),
            SlotDescriptor("event", [.me, .bytes, .bytes, .bytes, .bytes], .void, work),
            SlotDescriptor("fetch", [.me, .structure(reference), .sink(limit: answer)], .status, work),
        ])

    private static let work = Tag(.worker, .loaded, .running)

    /// A list whose reader is lost ends.
    static let objects = Callbacks(
        "apus_object_sink", [SlotDescriptor("next", [.me, .bytes], .int32(lost: 1), Tag(.any, .loaded, .running))], life: .call)

    static let reference = Layout(
        "apus_object_ref", size: MemoryLayout<apus_object_ref>.stride,
        [
            .init(offset: at(\apus_object_ref.resource), target: .bytes),
            .init(offset: at(\apus_object_ref.namespace_), target: .bytes),
            .init(offset: at(\apus_object_ref.name), target: .bytes),
            .init(offset: at(\apus_object_ref.subresource), target: .bytes),
        ])
}
