internal import PluginAPI

extension Signatures {
    static let runtime = TableDescriptor(
        APUS_RUNTIME, number: 2, size: MemoryLayout<apus_runtime>.size, isShared: false,
        [
            SlotDescriptor(
                "call", [.me, .bytes, .bytes, .int64, code, .sink(limit: answer)], .status, Tag(.worker, .running),
                timeout: .init(argument: 3, grace: .seconds(5))),
            SlotDescriptor(
                "subscribe", [.me, .callbacks(runtimeEvents), .number(bytes: 4, .inOut)], .status, Tag(.control, .running),
                isRequired: false, deadline: .seconds(30)),
            SlotDescriptor(
                "open", [.me, .int32, .bytes, .callbacks(streamEvents), .newHandle, code, .sink(limit: sentence)], .status,
                Tag(.worker, .running), isRequired: false,
                deadline: .seconds(30)),
            SlotDescriptor("send", [.me, .handle, .int32, .bytes], .status, Tag(.worker, .running), isRequired: false),
            SlotDescriptor("close", [.me, .handle], .void, Tag(.worker, .running, .stopped), isRequired: false),
        ])

    private static let code = Shape.number(bytes: 4, .out)

    static let streamEvents = Callbacks(
        "apus_stream_events",
        [
            SlotDescriptor("data", [.me, .int32, .bytes], .void, Tag(.any, .running)),
            SlotDescriptor("ended", [.me], .void, Tag(.any, .running, .stopped)),
        ], life: .until(slot: 1))

    static let runtimeEvents = Callbacks(
        "apus_runtime_events", [SlotDescriptor("changed", [.me, .bytes, .bytes], .void, Tag(.any, .running))], life: .component)
}
