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
        let answer = ServiceSample.lend(
            wanted, generation: generation, previous: old == nil ? 0 : generation - 1, changed: changed, removed: removed, callSync)
        try expect(answer.status == APUS_OK, "sync of \(what) answered \(answer.description)")
        before = wanted
    }

    func cleanup(_ what: String) throws {
        let answer = callCleanup()
        try expect(answer.status == APUS_OK, "cleanup \(what) answered \(answer.description)")
        before = nil
    }

    /// The library's own functions.
    private convenience init(_ instance: DirectInstance) {
        let table = instance.table(apus_proxy.self)
        self.init(
            sync: { wanted in Sentence.collect { table.sync(instance.me, wanted, $0) } },
            cleanup: { Sentence.collect { table.cleanup(instance.me, $0) } })
    }

    /// A proxy that a host keeps in a process of its own.
    private convenience init(_ proxy: ProxyPlugin) {
        func answer(_ call: () throws -> Void) -> Answer {
            do {
                try call()
                return Answer(status: APUS_OK, bytes: [])
            } catch {
                return Answer(status: (error as? ProxyError)?.status ?? APUS_FAULT, bytes: Array("\(error)".utf8))
            }
        }
        self.init(sync: { wanted in answer { try proxy.sync(wanted) } }, cleanup: { answer { try proxy.cleanup() } })
    }

    /// Runs `body` with the plugin started, in a network of its own.
    static func with(_ plugin: PluginUnderTest, starts: Bool = true, _ body: @escaping @Sendable (ProxySlots) throws -> Void) async throws {
        if plugin.isIsolated && starts { return try await withIsolated(plugin, body) }
        try await OwnNetwork.run {
            let instance = try DirectInstance(plugin)
            let answer = starts ? instance.start() : Answer(status: APUS_OK, bytes: [])
            let result = Result {
                guard answer.status == APUS_OK else { throw Failure("start answered \(answer.description)") }
                try body(ProxySlots(instance))
            }
            instance.stop()
            instance.destroy()
            try result.get()
        }
    }

    private static func withIsolated(_ plugin: PluginUnderTest, _ body: @escaping @Sendable (ProxySlots) throws -> Void) async throws {
        let network = try await OwnNetwork()
        defer { network.end() }
        // The plugin's process is in the network of the thread that starts it.
        @Sendable func load(_ host: PluginHost) async throws { try await network.run { try host.load() } }
        try await Hosted.run(plugin, services: .withoutAPI, load: load) { host in
            guard let proxy = host.proxy else { throw Failure("the host does not run it: \(host.plugins.first?.reason ?? "")") }
            let process = host.plugins.first?.pid.map { "\($0)" } ?? ""
            try await network.run {
                guard OwnNetwork.name(of: process) == OwnNetwork.name(of: "thread-self") else {
                    throw NotOffered("the plugin's process is not in the network of this check, and must not touch the machine's")
                }
                try body(ProxySlots(proxy))
            }
        }
    }
}
