internal import Glibc
internal import PluginAPI

/// A plugin library in memory. It is never unmapped: the Swift runtime, and the library's own threads, keep pointers into it.
struct Library: @unchecked Sendable {
    // Sendable because the tables behind `plugin` are constant for the life of the process.
    let path: String
    let plugin: UnsafePointer<apus_plugin>

    /// - Throws: `PluginError` with the dynamic linker's words, or both sides of a version that does not fit.
    init(_ manifest: PluginManifest, directories: [String]) throws {
        guard let path = directories.lazy.map({ $0 + "/" + manifest.library }).first(where: { access($0, R_OK) == 0 }) else {
            throw PluginError(
                .missingLibrary, plugin: manifest.name,
                "there is no \(manifest.library) in \(directories.isEmpty ? "any plugin directory: none is configured" : directories.joined(separator: ", "))")
        }
        guard let handle = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            throw PluginError(.unloadable, plugin: manifest.name, "\(path) cannot be loaded: \(Self.linkerError)")
        }
        guard let symbol = dlsym(handle, "apus_plugin_entry") else {
            throw PluginError(.unloadable, plugin: manifest.name, "\(path) is not a plugin: it has no apus_plugin_entry")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<apus_plugin>?
        guard let plugin = unsafeBitCast(symbol, to: Entry.self)() else {
            throw PluginError(.wrongDescriptor, plugin: manifest.name, "\(path): apus_plugin_entry returned null")
        }
        self.path = path
        self.plugin = plugin
        try checkVersion(manifest)
    }

    private static var linkerError: String { dlerror().map { String(cString: $0) } ?? "no reason given" }

    /// Reads the three fields that no version moves, and only those.
    private func checkVersion(_ manifest: PluginManifest) throws {
        let (major, minor, size) = (plugin.pointee.major, plugin.pointee.minor, Int(plugin.pointee.size))
        let theirs = "\(major).\(minor)"
        guard major == APUS_ABI_MAJOR, minor <= APUS_ABI_MINOR else {
            throw PluginError(
                .incompatibleABI, plugin: manifest.name,
                "\(path) was built for plugin ABI \(theirs), this host has \(APUS_ABI_MAJOR).\(APUS_ABI_MINOR) (the major must be equal, the minor no newer); "
                    + "use a build of the plugin for this host")
        }
        if let abi = manifest.abi, abi != theirs {
            throw PluginError(.incompatibleABI, plugin: manifest.name, "the manifest wants a library of plugin ABI \(abi), \(path) was built for \(theirs)")
        }
        guard size >= MemoryLayout<apus_plugin>.size else { throw tooSmall(manifest, "apus_plugin", size, MemoryLayout<apus_plugin>.size) }
    }

    /// The component the manifest names, after checking that it is what the manifest says.
    func component(_ manifest: PluginManifest) throws -> UnsafePointer<apus_component> {
        let all = UnsafeBufferPointer(start: plugin.pointee.components, count: Int(plugin.pointee.component_count))
        guard let component = all.first(where: { String(cString: $0.pointee.name) == manifest.component }) else {
            let offered = all.map { String(cString: $0.pointee.name) }.joined(separator: ", ")
            throw PluginError(.wrongDescriptor, plugin: manifest.name, "\(path) has no component \(manifest.component); it offers \(offered.isEmpty ? "none" : offered)")
        }
        let size = Int(component.pointee.size)
        guard size >= MemoryLayout<apus_component>.size else { throw tooSmall(manifest, "apus_component", size, MemoryLayout<apus_component>.size) }
        guard Self.pointer(in: component, at: MemoryLayout<apus_component>.offset(of: \.create)!) != nil else { throw missing(manifest, "create") }

        let wanted = manifest.kind.descriptor
        let offered = String(cString: component.pointee.extension)
        guard offered == wanted.id else {
            throw PluginError(
                .wrongDescriptor, plugin: manifest.name,
                "the manifest says kind \(manifest.kind.rawValue) (\(wanted.id)), but component \(manifest.component) of \(path) is \(offered)")
        }
        guard let table = Self.pointer(in: component, at: MemoryLayout<apus_component>.offset(of: \.table)!) else { throw missing(manifest, "table") }
        let tableSize = Int(table.load(as: UInt32.self))
        guard tableSize >= wanted.size else { throw tooSmall(manifest, "table of \(wanted.id)", tableSize, wanted.size) }
        for (index, slot) in wanted.slots.enumerated() where slot.isRequired && Self.pointer(in: table, at: 8 + 8 * index) == nil {
            throw missing(manifest, slot.name)
        }
        return component
    }

    /// Pointers that the header declares non-null are looked at as raw memory, because a faulty library may have left them null.
    private static func pointer(in table: UnsafeRawPointer, at offset: Int) -> UnsafeRawPointer? { table.load(fromByteOffset: offset, as: UnsafeRawPointer?.self) }

    private func tooSmall(_ manifest: PluginManifest, _ what: String, _ size: Int, _ wanted: Int) -> PluginError {
        PluginError(.wrongDescriptor, plugin: manifest.name, "\(path): the \(what) has \(size) bytes, fewer than the \(wanted) of ABI \(APUS_ABI_MAJOR).0")
    }

    private func missing(_ manifest: PluginManifest, _ slot: String) -> PluginError {
        PluginError(.wrongDescriptor, plugin: manifest.name, "\(path): component \(manifest.component) lacks \(slot), which \(manifest.kind.descriptor.id) requires")
    }
}
