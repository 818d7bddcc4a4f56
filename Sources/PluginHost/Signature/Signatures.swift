internal import PluginAPI

/// Every table of the ABI, as data. What stands here is what the headers say: a test compares them.
enum Signatures {
    /// All tables that can cross a process boundary; the position is the number.
    static let all = [schedulerPolicy, controller, runtime, proxy, component, hostLog, hostObjects, hostKinds, admission]

    /// What a sink for one sentence takes.
    static let sentence = 64 << 10
    /// What a sink for an object or a CRI message takes.
    static let answer = 64 << 20

    /// Offset of a field; every field named here is stored.
    static func at<T, Field>(_ field: KeyPath<T, Field>) -> Int { MemoryLayout<T>.offset(of: field)! }

    /// `apus_sink`: the shape `.sink` has it built in.
    static let sink = Callbacks(
        "apus_sink", [SlotDescriptor("write", [.me, .bytes], .void, Tag(.any, .discovered, .loaded, .running, .stopped))], life: .call)
}
