internal import APIModel
internal import Client
internal import Logging
internal import OrderedCollections
internal import PluginHost

/// The manifests of a directory, on their way to become Plugin objects. Only the process that serves the API does this, once, before
/// anybody is served.
struct ManifestFiles {
    /// The documents, checked, in the order of their files: that in which plugins start.
    private let documents: [(manifest: PluginManifest, document: Value)]
    let places: PluginPlaces

    /// Reads and checks every manifest; no library is touched.
    /// - Throws: `StartupFailure` naming the file and what is wrong in it.
    init(_ places: PluginPlaces) throws {
        self.places = places
        do {
            documents = try PluginManifest.documents(directory: places.manifests)
        } catch {
            throw StartupFailure("\(error)")
        }
    }

    /// Has the libraries copied and hashed, on a thread of its own, while the start does other things: they are some hundred megabytes.
    func prepareLibraries() {
        let (manifests, libraries) = (documents.map(\.manifest), places.libraries)
        startThread(name: "libraries") {
            // What is wrong with one is told where it is asked for.
            for manifest in manifests { _ = try? Library.find(manifest, directories: libraries) }
        }
    }

    var names: [String] { documents.map(\.manifest.name) }
    func names(_ kind: ExtensionKind) -> [String] { documents.map(\.manifest).filter { $0.kind == kind }.map(\.name) }

    /// Makes the objects be as the files say.
    ///
    /// What was changed through the API wins over its file, and so does an object that somebody else made under a file's name. An object
    /// whose file is gone goes, too.
    /// - Throws: `APIError` naming what the API refused.
    func synchronise(_ client: any Client, log: Logger) async throws {
        let existing = try await client.list(.plugins).items
        let objects = Dictionary(existing.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
        for (manifest, document) in documents {
            let name = manifest.name
            let wanted = try complete(document, manifest)
            guard let object = objects[name] else {
                _ = try await client.create(.plugins, wanted)
                continue
            }
            guard let changed = Self.update(object.value, to: wanted) else { continue }
            do {
                _ = try await client.update(.plugins, name: name, changed)
            } catch let error as APIError where !Self.isUnchanged(object.value) {
                // What somebody made of it is theirs to mend, and no reason not to start.
                log.error("plugin \(name) stays as it is: \(error.message)")
            }
        }
        for object in existing where Self.isFromFile(object.value) && !names.contains(object.name) {
            log.notice("plugin \(object.name) has no manifest any more: its object is deleted")
            try await client.delete(.plugins, name: object.name)
        }
    }

    /// The document as the API will keep it, its library pinned, with the annotations that later tell whose the object is.
    private func complete(_ document: Value, _ manifest: PluginManifest) throws -> Value {
        var object = document
        if let type = Catalogue.builtin.resource(.plugins) {
            _ = try Pruning.decode(&object, schema: type.schema.schema, kind: type.groupVersionKind)
        }
        if manifest.sha256 == nil, let hash = try? Library.find(manifest, directories: places.libraries).sha256 {
            object["spec"]["sha256"] = .string(hash)
            object["metadata"]["annotations"][PluginAnnotation.pinned] = .string(hash)
        }
        object["metadata"]["annotations"][PluginAnnotation.manifest] = .string(Self.fingerprint(object["spec"]))
        return object
    }

    /// What an object that is there becomes; `nil` when it is right as it is.
    private static func update(_ object: Value, to wanted: Value) -> Value? {
        var changed = object
        if isUnchanged(object) {
            changed["spec"] = wanted["spec"]
            for part in ["labels", "annotations"] {
                for (key, value) in wanted["metadata"][part].fields { changed["metadata"][part][key] = value }
            }
            if wanted["metadata"]["annotations"][PluginAnnotation.pinned].isNull {
                changed["metadata"]["annotations"][PluginAnnotation.pinned] = .null
            }
        } else if isPinnedByHost(object), isPinnedByHost(wanted), object["spec"]["library"] == wanted["spec"]["library"] {
            // Only the rest was changed: a library that was built anew is no reason to fail.
            changed["spec"]["sha256"] = wanted["spec"]["sha256"]
            changed["metadata"]["annotations"][PluginAnnotation.pinned] = wanted["spec"]["sha256"]
        }
        // A plain `nil` would be the value null.
        return changed == object ? Optional.none : changed
    }

    static func isFromFile(_ object: Value) -> Bool { !object["metadata"]["annotations"][PluginAnnotation.manifest].isNull }

    /// Whether the specification is still that of the file it came from.
    static func isUnchanged(_ object: Value) -> Bool {
        object["metadata"]["annotations"][PluginAnnotation.manifest].string == fingerprint(object["spec"])
    }

    /// Whether it was the host that pinned the library, which is then the host's to pin anew.
    static func isPinnedByHost(_ object: Value) -> Bool {
        object["metadata"]["annotations"][PluginAnnotation.pinned].string.map { object["spec"]["sha256"].string == $0 } ?? false
    }

    private static func fingerprint(_ specification: Value) -> String {
        var specification = specification
        // Disabled and enabled again is as before.
        if specification["enabled"].bool == true { specification["enabled"] = .null }
        return Fingerprint.of(specification)
    }
}
