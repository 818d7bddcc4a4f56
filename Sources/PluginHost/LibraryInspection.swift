/// What a plugin library says of itself.
public struct LibraryInspection: Sendable, Equatable {
    /// The library's own name and version.
    public var name: String
    public var version: String
    /// The plugin ABI it was built for: `1.0`.
    public var abi: String
    public var components: [Component]

    public struct Component: Sendable, Equatable {
        public var name: String
        /// `apus.controller/1`
        public var `extension`: String
    }

    /// Loads the library at `path` into this process, for good, and asks it. Its constructors and `apus_plugin_entry` run, no component is
    /// made.
    /// - Throws: `PluginError` when it is no plugin library, or one for another ABI, or when a component's table is too small or has holes.
    public static func inspect(path: String) throws -> LibraryInspection {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let image = try Library.open(path: path, plugin: name).image(plugin: name)
        let inspection = image.inspection
        // Of an extension that this host does not know it cannot know the table.
        for component in inspection.components {
            guard let kind = ExtensionKind.allCases.first(where: { $0.descriptor.id == component.extension }) else { continue }
            _ = try image.component(component.name, kind, plugin: name)
        }
        return inspection
    }
}
