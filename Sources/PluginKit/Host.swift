internal import PluginAPI

/// What the host offers one component, for the component's whole life. Safe from any thread.
public struct Host: Sendable {
    public let log: Log
    /// The API, acting as this plugin with the rules of its manifest.
    public let objects: Objects
    /// Which kinds the API serves.
    public let kinds: HostKinds

    init(log: Log, objects: Objects, kinds: HostKinds) {
        self.log = log
        self.objects = objects
        self.kinds = kinds
    }

    /// - Throws: `ComponentError.unsupported` naming the service that this host lacks.
    init(_ host: UnsafePointer<apus_host>) throws {
        log = Log(table: try Self.service(host, APUS_HOST_LOG), context: host.pointee.context)
        objects = Objects(table: try Self.service(host, APUS_HOST_OBJECTS), context: host.pointee.context)
        kinds = HostKinds(table: try Self.service(host, APUS_HOST_KINDS), context: host.pointee.context)
    }

    private static func service<Table>(_ host: UnsafePointer<apus_host>, _ id: String) throws -> UnsafePointer<Table> {
        guard let table = host.pointee.service(host.pointee.context, id) else {
            throw ComponentError.unsupported("this host has no service \(id)")
        }
        return table.assumingMemoryBound(to: Table.self)
    }
}

/// The host's log; every line is marked with the plugin's name. Safe from any thread.
public struct Log: @unchecked Sendable {
    // Sendable because the host's table is constant and its function may be called from any thread.
    let table: UnsafePointer<apus_host_log>
    let context: UnsafeMutableRawPointer?

    public func error(_ message: String) { write(APUS_LOG_ERROR, message) }
    public func warning(_ message: String) { write(APUS_LOG_WARNING, message) }
    public func info(_ message: String) { write(APUS_LOG_INFO, message) }
    public func debug(_ message: String) { write(APUS_LOG_DEBUG, message) }

    private func write(_ level: Int32, _ message: String) { message.withBorrowed { table.pointee.write(context, level, $0) } }
}
