internal import APIModel
internal import PluginAPI

/// An instance in this process: the table is the library's own.
final class InProcessInstance: ComponentInstance, @unchecked Sendable {
    // Sendable because the tables are constant, `me` is written in `init` only, and the ABI lets slots be called from many threads.
    let table: UnsafeRawPointer
    let me: UnsafeMutableRawPointer?
    let inspection: LibraryInspection?
    private let component: UnsafePointer<apus_component>
    private let plugin: String

    var incarnation: UInt64 { 1 }
    var process: ProcessStatus? { nil }

    /// Loads the library, checks it against the manifest and calls `create` with the host services.
    init(_ manifest: PluginManifest, _ library: Library, services: [(TableDescriptor, UnsafeRawPointer)]) throws {
        let image = try library.image(plugin: manifest.name)
        let component = try image.component(manifest)
        var instance: UnsafeMutableRawPointer?
        var sentence = Collector()
        let host = Self.host(services)
        let status = JSON.encode(manifest.config).withBorrowed { config in
            sentence.collect { component.pointee.create(component, host, config, &instance, $0) }
        }
        guard status == APUS_OK else {
            throw PluginError(.initFailed, plugin: manifest.name, "create answered \(statusName(status)): \(sentence.text)")
        }
        self.component = component
        table = component.pointee.table
        me = instance
        inspection = image.inspection
        plugin = manifest.name
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
        let status = sentence.collect { component.pointee.start?(me, $0) ?? APUS_OK }
        guard status == APUS_OK else {
            throw PluginError(.startFailed, plugin: plugin, "start answered \(statusName(status)): \(sentence.text)")
        }
    }

    func stop() { component.pointee.stop?(me) }

    func destroy() { component.pointee.destroy?(me) }
}
