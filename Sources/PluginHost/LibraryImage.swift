internal import Glibc
internal import PluginAPI

/// A plugin library in the memory of this process. It is never unmapped: the Swift runtime, and the library's own threads, keep pointers
/// into it.
struct LibraryImage: @unchecked Sendable {
    // Sendable because the tables behind `plugin` are constant for the life of the process.
    /// For messages: where the bytes came from.
    let path: String
    let plugin: UnsafePointer<apus_plugin>

    /// Loads the copy of the library that is at `copy`, and stays there for ever. `plugin` is the manifest's name, for errors.
    /// - Throws: `PluginError` with the dynamic linker's words, or both sides of a version that does not fit.
    init(copy: String, path: String, plugin name: String) throws {
        guard let handle = dlopen(copy, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) else {
            // The linker names the copy; people know the file.
            let words = Self.linkerError.replacing(copy, with: path)
            throw PluginError(.unloadable, plugin: name, "\(path) cannot be loaded: \(words)")
        }
        guard let symbol = dlsym(handle, "apus_plugin_entry") else {
            throw PluginError(.unloadable, plugin: name, "\(path) is not a plugin: it has no apus_plugin_entry")
        }
        typealias Entry = @convention(c) () -> UnsafePointer<apus_plugin>?
        guard let plugin = unsafeBitCast(symbol, to: Entry.self)() else {
            throw PluginError(.wrongDescriptor, plugin: name, "\(path): apus_plugin_entry returned null")
        }
        self.path = path
        self.plugin = plugin
        try checkVersion(name)
    }

    private static var linkerError: String { dlerror().map { String(cString: $0) } ?? "no reason given" }

    var abi: String { "\(plugin.pointee.major).\(plugin.pointee.minor)" }

    var inspection: LibraryInspection {
        LibraryInspection(
            name: String(cString: plugin.pointee.name), version: String(cString: plugin.pointee.version), abi: abi,
            components: components.map {
                LibraryInspection.Component(name: String(cString: $0.pointee.name), extension: String(cString: $0.pointee.extension))
            })
    }

    private var components: UnsafeBufferPointer<UnsafePointer<apus_component>> {
        UnsafeBufferPointer(start: plugin.pointee.components, count: Int(plugin.pointee.component_count))
    }

    /// Reads the three fields that no version moves, and only those.
    private func checkVersion(_ name: String) throws {
        let (major, minor, size) = (plugin.pointee.major, plugin.pointee.minor, Int(plugin.pointee.size))
        guard major == APUS_ABI_MAJOR, minor <= APUS_ABI_MINOR else {
            throw PluginError(
                .incompatibleABI, plugin: name,
                "\(path) was built for plugin ABI \(abi), this host has \(APUS_ABI_MAJOR).\(APUS_ABI_MINOR) (the major must be equal, the minor no newer); "
                    + "use a build of the plugin for this host")
        }
        guard size >= MemoryLayout<apus_plugin>.size else { throw tooSmall(name, "apus_plugin", size, MemoryLayout<apus_plugin>.size) }
    }

    /// The component the manifest names, after checking that it is what the manifest says.
    func component(_ manifest: PluginManifest) throws -> UnsafePointer<apus_component> {
        try component(manifest.component, manifest.kind, abi: manifest.abi, plugin: manifest.name)
    }

    /// The component of that name, after checking that it is of the kind and has all that the kind requires.
    /// - Parameter abi: the one the manifest asks for, if it does.
    func component(_ name: String, _ kind: ExtensionKind, abi: String? = nil, plugin: String) throws -> UnsafePointer<apus_component> {
        if let abi, abi != self.abi {
            throw PluginError(
                .incompatibleABI, plugin: plugin, "the manifest wants a library of plugin ABI \(abi), \(path) was built for \(self.abi)")
        }
        guard let component = components.first(where: { String(cString: $0.pointee.name) == name }) else {
            let offered = components.map { String(cString: $0.pointee.name) }.joined(separator: ", ")
            throw PluginError(
                .wrongDescriptor, plugin: plugin, "\(path) has no component \(name); it offers \(offered.isEmpty ? "none" : offered)")
        }
        let size = Int(component.pointee.size)
        guard size >= MemoryLayout<apus_component>.size else {
            throw tooSmall(plugin, "apus_component", size, MemoryLayout<apus_component>.size)
        }
        let descriptor = kind.descriptor
        func missing(_ slot: String) -> PluginError {
            PluginError(.wrongDescriptor, plugin: plugin, "\(path): component \(name) lacks \(slot), which \(descriptor.id) requires")
        }
        guard Self.pointer(in: component, at: MemoryLayout<apus_component>.offset(of: \.create)!) != nil else { throw missing("create") }
        let offered = String(cString: component.pointee.extension)
        guard offered == descriptor.id else {
            throw PluginError(
                .wrongDescriptor, plugin: plugin,
                "the manifest says kind \(kind.rawValue) (\(descriptor.id)), but component \(name) of \(path) is \(offered)")
        }
        guard let table = Self.pointer(in: component, at: MemoryLayout<apus_component>.offset(of: \.table)!) else { throw missing("table") }
        let tableSize = Int(table.load(as: UInt32.self))
        guard tableSize >= descriptor.size else { throw tooSmall(plugin, "table of \(descriptor.id)", tableSize, descriptor.size) }
        for (index, slot) in descriptor.slots.enumerated() where slot.isRequired && Self.pointer(in: table, at: 8 + 8 * index) == nil {
            throw missing(slot.name)
        }
        return component
    }

    /// Pointers that the header declares non-null are looked at as raw memory, because a faulty library may have left them null.
    private static func pointer(in table: UnsafeRawPointer, at offset: Int) -> UnsafeRawPointer? {
        table.load(fromByteOffset: offset, as: UnsafeRawPointer?.self)
    }

    private func tooSmall(_ name: String, _ what: String, _ size: Int, _ wanted: Int) -> PluginError {
        PluginError(
            .wrongDescriptor, plugin: name, "\(path): the \(what) has \(size) bytes, fewer than the \(wanted) of ABI \(APUS_ABI_MAJOR).0")
    }
}
