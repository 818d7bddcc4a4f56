internal import APIModel
internal import Logging
internal import PluginAPI

/// One instance of a component, from `create` to `destroy`, with the host functions made for it alone.
final class LoadedComponent: @unchecked Sendable {
    // Sendable because the tables are constant, `instance` is written in `init` only, and the ABI lets slots be called from many threads.
    let manifest: PluginManifest
    let library: Library
    let image: LibraryImage
    private let component: UnsafePointer<apus_component>
    fileprivate let instance: UnsafeMutableRawPointer?
    private let objects: ObjectsService
    private let gate = Gate()
    private let log: Logger
    let counters: [SlotCounter]

    /// Loads the library, checks it against the manifest and calls `create`.
    init(_ manifest: PluginManifest, directories: [String], log: Logger) throws {
        self.manifest = manifest
        self.log = log
        library = try Library.find(manifest, directories: directories)
        image = try library.image(plugin: manifest.name)
        component = try image.component(manifest)
        counters = manifest.kind.descriptor.slots.map { SlotCounter($0.name) }
        objects = ObjectsService(manifest, log: log)

        let services = [APUS_HOST_LOG: LogService.table(plugin: manifest.name, log: log), APUS_HOST_OBJECTS: objects.makeTable()]
        // Sendable tables by address: they are constant.
        let addresses = services.mapValues { UInt(bitPattern: $0) }
        let service = HostFunction(Signature("service", [.pointer, .pointer], .pointer)) { frame in
            .pointer(addresses[String(cString: frame.pointer(1, to: CChar.self))].flatMap { UnsafeRawPointer(bitPattern: $0) })
        }
        // Lent for the component's whole life, which a thread of the library may outlive: never freed.
        let host = UnsafeMutablePointer<apus_host>.allocate(capacity: 1)
        host.initialize(to: apus_host(size: UInt32(MemoryLayout<apus_host>.size), context: nil, service: unsafeBitCast(service.code, to: ServiceFunction.self)))

        var instance: UnsafeMutableRawPointer?
        let sentence = Collector()
        let component = component
        let status = JSON.encode(manifest.config).withBorrowed { config in
            sentence.collect { component.pointee.create(component, host, config, &instance, $0) }
        }
        guard status == APUS_OK else {
            throw PluginError(.initFailed, plugin: manifest.name, "create answered \(statusName(status)): \(sentence.text)")
        }
        self.instance = instance
    }

    private typealias ServiceFunction = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>) -> UnsafeRawPointer?

    /// Calls `start`; slots can be called when it returns. Blocks.
    func start(_ services: HostServices) throws {
        objects.open(manifest, services)
        let sentence = Collector()
        let status = sentence.collect { component.pointee.start?(instance, $0) ?? APUS_OK }
        guard status == APUS_OK else { throw PluginError(.startFailed, plugin: manifest.name, "start answered \(statusName(status)): \(sentence.text)") }
        gate.open()
    }

    /// Calls `stop`, waits for calls under way and calls `destroy`. Blocks. A plugin whose calls do not end is left as it is, mapped and silent.
    func tearDown() {
        gate.close()
        objects.close()
        component.pointee.stop?(instance)
        guard gate.drain(seconds: 10) else {
            log.warning("calls into plugin \(manifest.name) did not end; its instance is not destroyed")
            return
        }
        component.pointee.destroy?(instance)
    }

    /// Calls a slot, unless the component is not running, and counts it. `slot` is the index in the kind's descriptor.
    func call<Table>(_ slot: Int, _ table: Table.Type, _ body: (Table, UnsafeMutableRawPointer?) -> apus_status) -> apus_status {
        guard gate.enter() else { return APUS_CANCELLED }
        defer { gate.leave() }
        let start = ContinuousClock.now
        let status = body(component.pointee.table.load(as: Table.self), instance)
        counters[slot].count(isError: !Self.isNormal(status), since: start)
        return status
    }

    /// Returns when the cache has all that this component wrote.
    func waitUntilCaughtUp() async { await objects.waitUntilCaughtUp() }

    /// The table, to see which slots there are.
    func table<Table>(_ type: Table.Type) -> Table { component.pointee.table.load(as: Table.self) }

    var incarnation: UInt64 { 1 }

    /// Keeps the instance alive across several calls: a stream that is open. `false` when the component is not running; otherwise `release` must follow.
    func retain() -> Bool { gate.enter() }
    func release() { gate.leave() }

    /// Answers that say something about the world and not about the plugin.
    private static func isNormal(_ status: apus_status) -> Bool { [APUS_OK, APUS_RETRY, APUS_UNSCHEDULABLE, APUS_CONFLICT].contains(status) }
}

/// A status for people.
func statusName(_ status: apus_status) -> String { statusNames[status] ?? "status \(status)" }

private let statusNames: [apus_status: String] = [
    APUS_OK: "OK", APUS_FAULT: "FAULT", APUS_UNSUPPORTED: "UNSUPPORTED", APUS_INVALID: "INVALID", APUS_NOT_FOUND: "NOT_FOUND",
    APUS_ALREADY_EXISTS: "ALREADY_EXISTS", APUS_CONFLICT: "CONFLICT", APUS_FORBIDDEN: "FORBIDDEN", APUS_CANCELLED: "CANCELLED", APUS_UNAVAILABLE: "UNAVAILABLE",
    APUS_UNSCHEDULABLE: "UNSCHEDULABLE", APUS_RETRY: "RETRY",
]

extension LoadedComponent {
    /// Proxies only: `cleanup`, which may be called in every state.
    func cleanUpProxy() throws {
        let sentence = Collector()
        let status = sentence.collect { table(apus_proxy.self).cleanup(instance, $0) }
        guard status == APUS_OK else { throw PluginError(.startFailed, plugin: manifest.name, "cleanup answered \(statusName(status)): \(sentence.text)") }
    }

    /// Runtimes only: gives a stream's handle up. The stream's `retain` keeps the instance alive.
    func closeStream(_ stream: UnsafeMutableRawPointer?) {
        let start = ContinuousClock.now
        table(apus_runtime.self).close?(instance, stream)
        counters[4].count(isError: false, since: start)
    }
}
