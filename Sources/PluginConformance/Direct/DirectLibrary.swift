internal import Glibc
internal import PluginAPI

/// A library opened without a host, so that the suite can call slots in orders that no host would. Never unmapped.
struct DirectLibrary: @unchecked Sendable {
    // Sendable because a library's tables are constant for the life of the process.
    let path: String
    let plugin: UnsafePointer<apus_plugin>

    init(_ path: String) throws {
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw ConformanceError("\(path) cannot be loaded: \(dlerror().map { String(cString: $0) } ?? "no reason given")")
        }
        guard let symbol = dlsym(handle, "apus_plugin_entry") else {
            throw ConformanceError("\(path) is not a plugin: it has no apus_plugin_entry")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<apus_plugin>?
        guard let plugin = unsafeBitCast(symbol, to: Entry.self)() else {
            throw ConformanceError("\(path): apus_plugin_entry returned null")
        }
        guard plugin.pointee.major == APUS_ABI_MAJOR, Int(plugin.pointee.size) >= MemoryLayout<apus_plugin>.size else {
            throw ConformanceError(
                "\(path) was built for plugin ABI \(plugin.pointee.major).\(plugin.pointee.minor), this is \(APUS_ABI_MAJOR).\(APUS_ABI_MINOR)"
            )
        }
        self.path = path
        self.plugin = plugin
    }

    private var pointers: UnsafeBufferPointer<UnsafePointer<apus_component>> {
        UnsafeBufferPointer(start: plugin.pointee.components, count: Int(plugin.pointee.component_count))
    }

    var components: [(name: String, extension: String)] {
        pointers.map { (String(cString: $0.pointee.name), String(cString: $0.pointee.extension)) }
    }

    func component(_ name: String) throws -> UnsafePointer<apus_component> {
        guard let found = pointers.first(where: { String(cString: $0.pointee.name) == name }) else {
            throw ConformanceError("\(path) has no component \(name)")
        }
        return found
    }
}
