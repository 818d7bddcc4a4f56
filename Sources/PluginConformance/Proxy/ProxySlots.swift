internal import PluginAPI
internal import PluginHost

/// A proxy's slots, wherever its instance lives, with the loop's part: generations, and what changed since the one before.
final class ProxySlots {
    private let callSync: (UnsafePointer<apus_services>) -> Answer
    private let callCleanup: () -> Answer
    private var generation: UInt64 = 0
    private var before: [ServiceSample]?

    private init(sync: @escaping (UnsafePointer<apus_services>) -> Answer, cleanup: @escaping () -> Answer) {
        callSync = sync
        callCleanup = cleanup
    }

    /// Has the plugin put `wanted` in force. `anew` asks for everything to be written again.
    /// - Throws: `Failure` unless it answers OK.
    func sync(_ wanted: [ServiceSample], anew: Bool = false, _ what: String) throws {
        generation += 1
        let old = anew ? nil : before
        let known = Dictionary(uniqueKeysWithValues: (old ?? []).map { ($0.id, "\($0)") })
        let changed = Set(wanted.filter { known[$0.id] != "\($0)" }.map(\.id))
        let removed = (old ?? []).map(\.id).filter { id in !wanted.contains { $0.id == id } }
        let answer = ServiceSample.lend(wanted, generation: generation, previous: old == nil ? 0 : generation - 1, changed: changed, removed: removed, callSync)
        try expect(answer.status == APUS_OK, "sync of \(what) answered \(answer.description)")
        before = wanted
    }

    func cleanup(_ what: String) throws {
        let answer = callCleanup()
        try expect(answer.status == APUS_OK, "cleanup \(what) answered \(answer.description)")
        before = nil
    }

    /// Runs `body` with the plugin started, in a network of its own.
    static func with(_ plugin: PluginUnderTest, starts: Bool = true, _ body: @escaping @Sendable (ProxySlots) throws -> Void) async throws {
        try await OwnNetwork.run {
            let instance = try DirectInstance(plugin)
            let table = instance.table(apus_proxy.self)
            let answer = starts ? instance.start() : Answer(status: APUS_OK, bytes: [])
            let slots = ProxySlots(
                sync: { wanted in Sentence.collect { table.sync(instance.me, wanted, $0) } }, cleanup: { Sentence.collect { table.cleanup(instance.me, $0) } })
            let result = Result {
                guard answer.status == APUS_OK else { throw Failure("start answered \(answer.description)") }
                try body(slots)
            }
            instance.stop()
            instance.destroy()
            try result.get()
        }
    }
}
