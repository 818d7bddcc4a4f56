internal import APIModel
internal import PluginAPI
internal import PluginHost

/// One instance of a component, driven slot by slot. Used by one thread at a time, as `[control]` asks.
final class DirectInstance: @unchecked Sendable {
    // Sendable because only the slots tagged [worker] are called from several threads, and they change nothing here.
    let host: WatchfulHost
    private let component: UnsafePointer<apus_component>
    private(set) var me: UnsafeMutableRawPointer?

    /// Calls `create`.
    /// - Throws: `Refused` with its answer when that is not OK.
    init(_ plugin: PluginUnderTest, config: Value? = nil, host: WatchfulHost = WatchfulHost(), table: UnsafePointer<apus_host>? = nil)
        throws
    {
        let component = try DirectLibrary(plugin.library).component(plugin.component)
        let table = table ?? host.makeTable()
        var made: UnsafeMutableRawPointer?
        // The bytes are lent for the call: they are overwritten after it, so that a plugin that keeps them finds nonsense.
        var lent = JSON.encode(config ?? plugin.config)
        let answer = lent.withUnsafeMutableBufferPointer { bytes in
            defer { for index in bytes.indices { bytes[index] = 0x23 } }
            return Sentence.collect {
                component.pointee.create(
                    component, table, apus_borrowed(bytes: UnsafePointer(bytes.baseAddress), count: UInt64(bytes.count)), &made, $0)
            }
        }
        guard answer.status == APUS_OK else { throw Refused(answer: answer) }
        self.host = host
        self.component = component
        me = made
        host.move(to: .loaded)
    }

    struct Refused: Error, CustomStringConvertible {
        var answer: Answer
        var description: String { "create answered \(answer.description) to the manifest's config" }
    }

    func start() -> Answer {
        host.move(to: .running)
        return Sentence.collect { component.pointee.start?(me, $0) ?? APUS_OK }
    }

    func stop() {
        component.pointee.stop?(me)
        host.move(to: .stopped)
    }

    func destroy() {
        component.pointee.destroy?(me)
        host.move(to: .destroyed)
        me = nil
    }

    /// A copy of the extension's table.
    func table<Table>(_ type: Table.Type) -> Table { component.pointee.table.load(as: Table.self) }
}

/// Runs `body`, which may block, on a thread of its own.
func onOwnThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
    try await withCheckedThrowingContinuation { continuation in
        startThread(name: "conformance") { continuation.resume(with: Result { try body() }) }
    }
}
