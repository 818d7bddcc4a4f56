internal import PluginAPI

/// The `apus_host` of a plugin in a child: its services are tables of functions that call the host process. Made once; lives as long as the
/// child.
enum ChildHost {
    /// One slot of a service. The plugin passes one context to all services, so the function itself knows which it is of.
    private final class Function: Sendable {
        let service: ImportedTable
        let index: Int

        init(_ service: ImportedTable, _ index: Int) {
            self.service = service
            self.index = index
        }
    }

    static func make(_ services: [ImportedTable]) -> UnsafePointer<apus_host> {
        // By address, because raw pointers are not Sendable: the tables are constant.
        let addresses = Dictionary(uniqueKeysWithValues: services.map { ($0.descriptor.id, UInt(bitPattern: table($0))) })
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

    private static func table(_ service: ImportedTable) -> UnsafeRawPointer {
        let descriptor = service.descriptor
        let table = UnsafeMutableRawPointer.allocate(byteCount: descriptor.size, alignment: 8)
        table.storeBytes(of: UInt64(descriptor.size), as: UInt64.self)
        for (index, slot) in descriptor.slots.enumerated() {
            let code = slot.interface.makeFunction(Function(service, index)) { _, result, arguments, function in
                let function = Unmanaged<Function>.fromOpaque(function.unsafelyUnwrapped).takeUnretainedValue()
                let slot = function.service.descriptor.slots[function.index]
                let answer = function.service.call(slot, function.index, Arguments(values: arguments.unsafelyUnwrapped))
                // libffi wants a small result widened to a register.
                if slot.result != .void { result?.storeBytes(of: answer, as: Int64.self) }
            }
            table.storeBytes(of: code, toByteOffset: descriptor.offset(of: index), as: UnsafeMutableRawPointer.self)
        }
        return UnsafeRawPointer(table)
    }
}
