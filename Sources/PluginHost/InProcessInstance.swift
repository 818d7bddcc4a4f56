internal import APIModel
internal import CLinux
internal import PluginAPI

/// An instance in this process: the table is the library's own.
final class InProcessInstance: ComponentInstance, @unchecked Sendable {
    // Sendable because the tables are constant, `me` is written in `init` only, and the ABI lets slots be called from many threads.
    let table: UnsafeRawPointer
    let me: UnsafeMutableRawPointer?
    let inspection: LibraryInspection?
    private let component: UnsafePointer<apus_component>
    private let plugin: String
    private let noted: UInt32

    var incarnation: UInt64 { 1 }
    var process: ProcessStatus? { nil }

    /// Loads the library, checks it against the manifest and calls `create` with the host services.
    init(_ manifest: PluginManifest, _ library: Library, services: [(TableDescriptor, UnsafeRawPointer)]) throws {
        let image = try library.image(plugin: manifest.name)
        let component = try image.component(manifest)
        let noted = apus_in_hand_plugin(manifest.name, manifest.kind.rawValue)
        var instance: UnsafeMutableRawPointer?
        var sentence = Collector()
        let host = Self.host(services)
        let status = JSON.encode(manifest.config).withBorrowed { config in
            sentence.collect { sentence in
                Self.noting(noted, .create) { component.pointee.create(component, host, config, &instance, sentence) }
            }
        }
        guard status == APUS_OK else {
            throw PluginError(.initFailed, plugin: manifest.name, "create answered \(statusName(status)): \(sentence.text)")
        }
        self.component = component
        table = component.pointee.table
        me = instance
        inspection = image.inspection
        plugin = manifest.name
        self.noted = noted
    }

    /// The slots of `apus_component`, by their places in its signatures.
    private enum LifeCycleSlot: UInt32 { case create, start, stop, destroy }

    /// Notes for after a crash that this thread is in the slot while `body` runs.
    private static func noting<R>(_ plugin: UInt32, _ slot: LifeCycleSlot, _ body: () -> R) -> R {
        let before = apus_in_hand_enter(plugin, UInt32(ExtensionKind.firstLifeCycleSlot) + slot.rawValue)
        defer { apus_in_hand_leave(before) }
        return body()
    }

    /// What `create` gets. Lent for the component's whole life, which a thread of the library may outlive: never freed.
    private static func host(_ services: [(TableDescriptor, UnsafeRawPointer)]) -> UnsafePointer<apus_host> {
        // By address, because raw pointers are not Sendable: the tables are constant.
        let addresses = Dictionary(uniqueKeysWithValues: services.map { ($0.id, UInt(bitPattern: $1)) })
        let service = HostFunction(Signatures.host.slots[0]) { frame in
            .pointer(addresses[String(cString: frame.pointer(1, to: CChar.self))].flatMap { UnsafeRawPointer(bitPattern: $0) })
        }
        typealias ServiceFunction = @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>) -> UnsafeRawPointer?
        let host = UnsafeMutablePointer<apus_host>.allocate(capacity: 1)
        host.initialize(
            to: apus_host(
                size: UInt32(MemoryLayout<apus_host>.size), context: nil, service: unsafeBitCast(service.code, to: ServiceFunction.self)))
        return UnsafePointer(host)
    }

    func start() throws {
        var sentence = Collector()
        let status = sentence.collect { sentence in
            Self.noting(noted, .start) { component.pointee.start?(me, sentence) ?? APUS_OK }
        }
        guard status == APUS_OK else {
            throw PluginError(.startFailed, plugin: plugin, "start answered \(statusName(status)): \(sentence.text)")
        }
    }

    func stop() { Self.noting(noted, .stop) { component.pointee.stop?(me) } }

    func destroy() { Self.noting(noted, .destroy) { component.pointee.destroy?(me) } }
}
