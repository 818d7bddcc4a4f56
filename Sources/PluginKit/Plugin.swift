internal import APIModel
public import PluginAPI

/// The constant table of a library. The entry file of a plugin is just this:
///
/// ```swift
/// internal import PluginKit
/// public import PluginAPI
///
/// private let plugin = Plugin(name: "my-controllers", version: "1.0.0", [.controller("frobber", FrobberController.self)])
///
/// // swift-format-ignore: AlwaysUseLowerCamelCase
/// @c @implementation
/// public func apus_plugin_entry() -> UnsafePointer<apus_plugin> { plugin.table }
/// ```
public struct Plugin: @unchecked Sendable {
    // Sendable because the table is never written to after it was made.

    /// What `apus_plugin_entry` returns. Lives as long as the process.
    public let table: UnsafePointer<apus_plugin>

    public init(name: String, version: String, _ offers: [Offer]) {
        let components = UnsafeMutablePointer<UnsafePointer<apus_component>>.allocate(capacity: offers.count)
        for (index, offer) in offers.enumerated() { (components + index).initialize(to: offer.makeTable()) }
        table =
            constant(
                apus_plugin(
                    size: UInt32(MemoryLayout<apus_plugin>.size), major: UInt16(APUS_ABI_MAJOR), minor: UInt16(APUS_ABI_MINOR),
                    name: constant(name),
                    version: constant(version), components: UnsafePointer(components), component_count: UInt64(offers.count))
            ).pointer
    }
}

/// One component that a library offers: its name, its kind and how to make it.
public struct Offer: Sendable {
    private let name: String
    private let id: String
    private let table: Constant<UInt8>
    private let make: @Sendable (Host, Value) throws -> Instance

    public static func controller<C: Controller>(_ name: String, _ type: C.Type) -> Offer {
        Offer(name, APUS_CONTROLLER, ControllerInstance.table) { ControllerInstance(try C.make($0, $1)) }
    }

    public static func schedulerPolicy<P: SchedulerPolicy>(_ name: String, _ type: P.Type) -> Offer {
        Offer(name, APUS_SCHEDULER_POLICY, PolicyInstance.table(P.slots, mostPoints: P.mostPoints)) { PolicyInstance(try P.make($0, $1)) }
    }

    public static func runtime<R: Runtime>(_ name: String, _ type: R.Type) -> Offer {
        Offer(name, APUS_RUNTIME, RuntimeInstance.table) { RuntimeInstance(try R.make($0, $1)) }
    }

    public static func proxy<B: ProxyBackend>(_ name: String, _ type: B.Type) -> Offer {
        Offer(name, APUS_PROXY, ProxyInstance.table) { ProxyInstance(try B.make($0, $1)) }
    }

    public static func admission<P: AdmissionPolicy>(_ name: String, _ type: P.Type) -> Offer {
        Offer(name, APUS_ADMISSION, AdmissionInstance.table(P.slots)) { AdmissionInstance(try P.make($0, $1)) }
    }

    private init<Table>(
        _ name: String, _ id: String, _ table: Constant<Table>, _ make: @escaping @Sendable (Host, Value) throws -> Instance
    ) {
        self.name = name
        self.id = id
        self.table = Constant(pointer: UnsafeRawPointer(table.pointer).assumingMemoryBound(to: UInt8.self))
        self.make = make
    }

    /// The component's table with its maker behind it: a C function cannot carry a type, so `create` finds the maker through the
    /// `component` it is given.
    private struct Record {
        var component: apus_component
        var make: @Sendable (Host, Value) throws -> Instance
    }

    func makeTable() -> UnsafePointer<apus_component> {
        let component = apus_component(
            size: UInt32(MemoryLayout<apus_component>.size), name: constant(name), extension: constant(id),
            table: UnsafeRawPointer(table.pointer),
            create: { component, host, config, out, sink in
                boundary(sink) {
                    let make = UnsafeRawPointer(component).assumingMemoryBound(to: Record.self).pointee.make
                    out.pointee = Unmanaged.passRetained(try make(try Host(host), try JSON.decode(config.array))).toOpaque()
                }
            },
            start: { me, sink in boundary(sink) { try instance(me, as: Instance.self).start() } },
            stop: { me in instance(me, as: Instance.self).stop() },
            destroy: { me in if let me { Unmanaged<Instance>.fromOpaque(me).release() } })
        return UnsafeRawPointer(constant(Record(component: component, make: make)).pointer).assumingMemoryBound(to: apus_component.self)
    }
}
