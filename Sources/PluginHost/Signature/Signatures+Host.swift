internal import PluginAPI

extension Signatures {
    static let hostLog = TableDescriptor(
        APUS_HOST_LOG, number: 5, size: MemoryLayout<apus_host_log>.size,
        [SlotDescriptor("write", [.me, .int32, .bytes], .void, Tag(.any, .discovered, .loaded, .running, .stopped))])

    static let hostObjects = TableDescriptor(
        APUS_HOST_OBJECTS, number: 6, size: MemoryLayout<apus_host_objects>.size,
        [
            SlotDescriptor("get", [.me, .structure(reference), .sink(limit: answer)], .status, work),
            SlotDescriptor("list", [.me, .structure(reference), .bytes, .bytes, .callbacks(objects)], .status, work),
            SlotDescriptor("dependents", [.me, .structure(reference), .bytes, .bytes, .callbacks(objects)], .status, work),
            SlotDescriptor("create", [.me, .structure(reference), .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("update", [.me, .structure(reference), .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("patch", [.me, .structure(reference), .int32, .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("apply", [.me, .structure(reference), .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("remove", [.me, .structure(reference), .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("event", [.me, .bytes, .bytes, .bytes, .bytes], .void, work),
            SlotDescriptor("fetch", [.me, .structure(reference), .sink(limit: answer)], .status, work),
            SlotDescriptor(
                "remove_collection", [.me, .structure(reference), .bytes, .bytes, .bytes, options, .sink(limit: answer)], .status, work),
            SlotDescriptor("fetch_list", [.me, .structure(reference), .bytes, .bytes, .callbacks(objects)], .status, work),
        ])

    static let hostKinds = TableDescriptor(
        APUS_HOST_KINDS, number: 7, size: MemoryLayout<apus_host_kinds>.size,
        [SlotDescriptor("list", [.me, .number(bytes: 8, .inOut), .callbacks(kinds)], .status, Tag(.any, .loaded, .running))])

    static let kinds = Callbacks(
        "apus_kind_sink", [SlotDescriptor("next", [.me, .structure(kind)], .void, Tag(.any, .loaded, .running))], life: .call)

    private static let kind = Layout(
        "apus_kind", size: MemoryLayout<apus_kind>.stride,
        [
            .init(offset: at(\apus_kind.resource), target: .bytes),
            .init(offset: at(\apus_kind.group), target: .bytes),
            .init(offset: at(\apus_kind.version), target: .bytes),
            .init(offset: at(\apus_kind.kind), target: .bytes),
        ])

    private static let work = Tag(.worker, .loaded, .running)

    /// A list whose reader is lost ends.
    static let objects = Callbacks(
        "apus_object_sink", [SlotDescriptor("next", [.me, .bytes], .int32(lost: 1), Tag(.any, .loaded, .running))], life: .call)

    private static let options = Shape.structure(
        Layout(
            "apus_write_options", size: MemoryLayout<apus_write_options>.stride,
            [
                .init(offset: at(\apus_write_options.field_manager), target: .bytes),
                .init(offset: at(\apus_write_options.uid), target: .bytes),
                .init(offset: at(\apus_write_options.resource_version), target: .bytes),
            ]), optional: true)

    static let reference = Layout(
        "apus_object_ref", size: MemoryLayout<apus_object_ref>.stride,
        [
            .init(offset: at(\apus_object_ref.resource), target: .bytes),
            .init(offset: at(\apus_object_ref.namespace_), target: .bytes),
            .init(offset: at(\apus_object_ref.name), target: .bytes),
            .init(offset: at(\apus_object_ref.subresource), target: .bytes),
        ])
}
