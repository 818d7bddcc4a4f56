internal import APIModel
internal import PluginAPI
internal import Synchronization

/// A host of which every function notes that it was called and in which state of the component. It has a log that goes nowhere and an API
/// that is never there.
final class WatchfulHost: Sendable {
    enum State: String, Sendable { case discovered, loaded, running, stopped, destroyed }

    private struct Notes {
        var state = State.discovered
        var calls: [(function: String, state: State)] = []
    }
    private let notes = Mutex(Notes())
    /// Whether it says that it has the services.
    private let hasServices: Bool

    private let keepsNotes: Bool

    /// - Parameter keepsNotes: `false` for many instances in a row, whose calls nobody will ask for.
    init(hasServices: Bool = true, keepsNotes: Bool = true) {
        self.hasServices = hasServices
        self.keepsNotes = keepsNotes
    }

    func move(to state: State) { notes.withLock { $0.state = state } }

    /// The functions called in one of `states`, each once.
    func called(in states: Set<State>, where wanted: (String) -> Bool = { _ in true }) -> [String] {
        let found = notes.withLock { $0.calls }.filter { states.contains($0.state) && wanted($0.function) }.map {
            "\($0.function) (\($0.state.rawValue))"
        }
        return Set(found).sorted()
    }

    /// The structure for `create`. Lives for ever, as this object then does: a thread that a faulty plugin left behind may call for as
    /// long.
    func makeTable() -> UnsafePointer<apus_host> {
        let table = UnsafeMutablePointer<apus_host>.allocate(capacity: 1)
        table.initialize(
            to: apus_host(size: UInt32(MemoryLayout<apus_host>.size), context: Unmanaged.passRetained(self).toOpaque()) { context, id in
                let id = String(cString: id)
                guard let host = WatchfulHost.note("service(\(id))", context), host.hasServices else { return nil }
                return WatchfulHost.services.tables[id] ?? nil
            })
        return UnsafePointer(table)
    }

    /// A plugin that passes no context, which the host itself would not mind, stays unseen.
    @discardableResult
    private static func note(_ function: String, _ context: UnsafeMutableRawPointer?) -> WatchfulHost? {
        guard let context else { return nil }
        let host = Unmanaged<WatchfulHost>.fromOpaque(context).takeUnretainedValue()
        if host.keepsNotes { host.notes.withLock { $0.calls.append((function, $0.state)) } }
        return host
    }

    private static func refuse(_ function: String, _ context: UnsafeMutableRawPointer?, _ sink: UnsafePointer<apus_sink>? = nil)
        -> apus_status
    {
        note("objects.\(function)", context)
        let status = APIError(code: 503, reason: .serviceUnavailable, message: "this host has no API").status
        if let sink { JSON.encode(status).withBorrowed { sink.pointee.write(sink.pointee.context, $0) } }
        return APUS_UNAVAILABLE
    }

    private struct Services: @unchecked Sendable {
        // Sendable because the tables never change.
        let tables: [String: UnsafeRawPointer?]
    }

    private static let services: Services = {
        let log = UnsafeMutablePointer<apus_host_log>.allocate(capacity: 1)
        log.initialize(
            to: apus_host_log(size: UInt32(MemoryLayout<apus_host_log>.size)) { context, _, _ in WatchfulHost.note("log.write", context) })
        let objects = UnsafeMutablePointer<apus_host_objects>.allocate(capacity: 1)
        objects.initialize(
            to: apus_host_objects(
                size: UInt32(MemoryLayout<apus_host_objects>.size),
                get: { WatchfulHost.refuse("get", $0, $2) },
                list: { context, _, _, _, _ in WatchfulHost.refuse("list", context) },
                dependents: { context, _, _, _, _ in WatchfulHost.refuse("dependents", context) },
                create: { WatchfulHost.refuse("create", $0, $4) },
                update: { WatchfulHost.refuse("update", $0, $4) },
                patch: { WatchfulHost.refuse("patch", $0, $5) },
                apply: { WatchfulHost.refuse("apply", $0, $4) },
                remove: { WatchfulHost.refuse("remove", $0, $4) },
                event: { context, _, _, _, _ in WatchfulHost.note("objects.event", context) },
                fetch: { WatchfulHost.refuse("fetch", $0, $2) },
                remove_collection: { WatchfulHost.refuse("remove_collection", $0, $6) },
                fetch_list: { context, _, _, _, _ in WatchfulHost.refuse("fetch_list", context) }))
        let kinds = UnsafeMutablePointer<apus_host_kinds>.allocate(capacity: 1)
        kinds.initialize(
            to: apus_host_kinds(size: UInt32(MemoryLayout<apus_host_kinds>.size)) { context, _, _ in
                WatchfulHost.note("kinds.list", context)
                return APUS_UNAVAILABLE
            })
        return Services(
            tables: [
                APUS_HOST_LOG: UnsafeRawPointer(log), APUS_HOST_OBJECTS: UnsafeRawPointer(objects),
                APUS_HOST_KINDS: UnsafeRawPointer(kinds),
            ])
    }()
}
