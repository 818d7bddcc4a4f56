internal import APIModel
internal import CLinux
internal import Crypto
internal import Glibc
internal import Synchronization

/// The bytes of a plugin library: copied to where nobody can change them, and hashed there. Nothing of it runs before `image`.
///
/// There is one copy for one SHA-256 in a process. A new file under an old path is another library, which loads beside the old one.
public struct Library: Sendable {
    /// Where it was read from.
    let path: String
    /// 64 hexadecimal digits.
    public let sha256: String
    /// Of the sealed copy; open as long as the process lives, so that `/proc/self/fd/<descriptor>` names these bytes and never others.
    let descriptor: Int32

    private struct Copies {
        /// Descriptors, by SHA-256.
        var descriptors: [String: Int32] = [:]
        /// What a file was when it was copied: as long as it is that, it need not be read again.
        var sources: [FileState: String] = [:]
    }

    private static let copies = Mutex(Copies())
    /// Held while a file is copied: whoever wants one that is being copied waits for it.
    private static let copying = Mutex(())

    /// The library that the manifest names.
    /// - Throws: `PluginError` when no directory has it, or when it is not the one that the manifest pins.
    public static func find(_ manifest: PluginManifest, directories: [String]) throws -> Library {
        guard let path = directories.lazy.map({ $0 + "/" + manifest.library }).first(where: { access($0, R_OK) == 0 }) else {
            throw PluginError(
                .missingLibrary, plugin: manifest.name,
                "there is no \(manifest.library) in \(directories.isEmpty ? "any plugin directory: none is configured" : directories.joined(separator: ", "))"
            )
        }
        return try open(path: path, plugin: manifest.name, pin: manifest.sha256)
    }

    /// The library in the file at `path`. Blocks. `plugin` is a name, for errors; `pin` is the SHA-256 that it must have.
    /// - Throws: `PluginError` when the file cannot be read, or is not the one pinned.
    public static func open(path: String, plugin: String, pin: String? = nil) throws -> Library {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw PluginError(.missingLibrary, plugin: plugin, "\(path) cannot be opened: \(systemError())") }
        defer { close(file) }
        guard let state = FileState(file) else { throw PluginError(.unloadable, plugin: plugin, "\(path) is not a file") }
        let library =
            try known(state, path)
            ?? copying.withLock { _ in try known(state, path) ?? copy(file, state, path: path, plugin: plugin) }
        if let pin, pin != library.sha256 {
            throw PluginError(
                .pinMismatch, plugin: plugin,
                "the manifest pins SHA-256 \(pin), \(path) is \(library.sha256); pin the library that is there, or put the pinned one in its place"
            )
        }
        return library
    }

    /// Loads the library into this process, for good. Another call finds it loaded.
    func image(plugin: String) throws -> LibraryImage { try LibraryImage(copy: "/proc/self/fd/\(descriptor)", path: path, plugin: plugin) }

    /// The copy of a file that is as it was when it was copied.
    private static func known(_ state: FileState, _ path: String) -> Library? {
        copies.withLock { copies in
            guard let sha256 = copies.sources[state], let descriptor = copies.descriptors[sha256] else { return nil }
            return Library(path: path, sha256: sha256, descriptor: descriptor)
        }
    }

    private static func copy(_ file: Int32, _ state: FileState, path: String, plugin: String) throws -> Library {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let descriptor = apus_sealed_copy(name, file)
        guard descriptor >= 0, let sha256 = hash(descriptor) else {
            defer { if descriptor >= 0 { close(descriptor) } }
            throw PluginError(.unloadable, plugin: plugin, "\(path) cannot be copied into memory: \(systemError())")
        }
        return copies.withLock { copies in
            // A file that was written to meanwhile is read again the next time.
            if FileState(file) == state { copies.sources[state] = sha256 }
            if let earlier = copies.descriptors[sha256] {
                close(descriptor)
                return Library(path: path, sha256: sha256, descriptor: earlier)
            }
            copies.descriptors[sha256] = descriptor
            return Library(path: path, sha256: sha256, descriptor: descriptor)
        }
    }

    /// Of a sealed copy: what is hashed is what is loaded.
    private static func hash(_ descriptor: Int32) -> String? {
        guard let size = FileState(descriptor)?.size else { return nil }
        guard size > 0 else { return SHA256.hash(data: []).hexadecimal }
        guard let bytes = mmap(nil, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0), bytes != MAP_FAILED else { return nil }
        defer { munmap(bytes, size) }
        return SHA256.hash(data: UnsafeRawBufferPointer(start: bytes, count: size)).hexadecimal
    }
}

private func systemError() -> String { String(cString: strerror(errno)) }
