internal import Synchronization

// Taking in a manifest.
extension PluginHost {
    /// Makes `manifest` the newest one of its plugin, unless nothing about it is new. Returns an instance of the one before that was made
    /// and never put into service.
    func accept(_ manifest: PluginManifest) -> LoadedComponent? {
        let found = manifest.sha256 == nil ? try? Library.find(manifest, directories: configuration.libraryDirectories).sha256 : nil
        return entries.withLock { entries in
            guard let index = entries.firstIndex(where: { $0.manifest.name == manifest.name }) else {
                entries.append(PluginEntry(manifest))
                return nil
            }
            let entry = entries[index]
            entries[index].manifest = manifest
            let isSameLibrary = manifest.sha256 != nil || found == entry.found || entry.found == nil && entry.lifecycle.state == .skipped
            guard !isSameLibrary || !entry.manifest.asksForTheSame(as: manifest) else { return nil }
            entries[index].lifecycle = Lifecycle()
            entries[index].loaded = nil
            return entry.loaded
        }
    }
}

extension PluginManifest {
    /// Whether an instance made for one will do for the other. Rules are the API server's to know, and whether a plugin is enabled or
    /// required is the plan's.
    fileprivate func asksForTheSame(as other: PluginManifest) -> Bool { instancePart == other.instancePart }

    private var instancePart: PluginManifest {
        var manifest = self
        (manifest.rules, manifest.required, manifest.enabled, manifest.file, manifest.generation) = ([], false, true, "", nil)
        // A shadow's says whom it is compared with.
        if mode == .active { manifest.replaces = nil }
        return manifest
    }
}
