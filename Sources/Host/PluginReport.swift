internal import APIModel
internal import FoundationEssentials
internal import PluginHost

/// What the running host says of its plugins, in a file that `apus plugin list` reads.
enum PluginReport {
    static func path(_ directory: DataDirectory) -> String { "\(directory.path)/plugins.json" }

    /// One row a plugin, with what `apus plugin list` shows of it.
    static func rows(_ plugins: [PluginStatus]) -> [Value] {
        plugins.map { plugin in
            [
                "name": .string(plugin.name), "kind": .string(plugin.kind.rawValue), "state": .string("\(plugin.state)"), "library": .string(plugin.library),
                "version": .string(plugin.version), "reason": .string(plugin.reason),
            ]
        }
    }

    static func write(_ plugins: [PluginStatus], to directory: DataDirectory) {
        // A report that cannot be written costs nothing but `plugin list`.
        try? Data(JSON.encodePretty(.array(rows(plugins)))).write(to: URL(filePath: path(directory)), options: .atomic)
    }

    static func read(_ directory: DataDirectory) -> [Value]? {
        guard let data = try? Data(contentsOf: URL(filePath: path(directory))) else { return nil }
        return (try? JSON.decode(Array(data)))?.elements
    }
}
