internal import CLinux
internal import Crypto
internal import Glibc
internal import Synchronization

/// The bytes of a plugin library: read once, hashed, and copied to where nobody can change them. Nothing of it runs before `image`.
///
/// There is one copy for one SHA-256 in a process. A new file under an old path is another library, which loads beside the old one.
struct Library: Sendable {
    /// Where it was read from.
    let path: String
    /// 64 hexadecimal digits.
    let sha256: String
    /// Of the sealed copy; open as long as the process lives, so that `/proc/self/fd/<descriptor>` names these bytes and never others.
    let descriptor: Int32

    /// The descriptors of the copies, by SHA-256.
    private static let copies = Mutex<[String: Int32]>([:])

    /// The library that the manifest names.
    /// - Throws: `PluginError` when no directory has it, or when it is not the one that the manifest pins.
    static func find(_ manifest: PluginManifest, directories: [String]) throws -> Library {
        guard let path = directories.lazy.map({ $0 + "/" + manifest.library }).first(where: { access($0, R_OK) == 0 }) else {
            throw PluginError(
                .missingLibrary, plugin: manifest.name,
                "there is no \(manifest.library) in \(directories.isEmpty ? "any plugin directory: none is configured" : directories.joined(separator: ", "))")
        }
        return try open(path: path, plugin: manifest.name, pin: manifest.sha256)
    }

    static func open(path: String, plugin: String, pin: String? = nil) throws -> Library {
        let bytes = try read(path, plugin: plugin)
        let sha256 = hexadecimal(SHA256.hash(data: bytes))
        if let pin, pin != sha256 {
            throw PluginError(
                .pinMismatch, plugin: plugin, "the manifest pins SHA-256 \(pin), \(path) is \(sha256); pin the library that is there, or put the pinned one in its place")
        }
        let descriptor = try copies.withLock { copies in
            if let descriptor = copies[sha256] { return descriptor }
            let name = path.split(separator: "/").last.map(String.init) ?? path
            let descriptor = bytes.withUnsafeBytes { apus_sealed_file(name, $0.baseAddress ?? UnsafeRawPointer(bitPattern: 1)!, UInt64($0.count)) }
            guard descriptor >= 0 else { throw PluginError(.unloadable, plugin: plugin, "no memory for a copy of \(path): \(systemError())") }
            copies[sha256] = descriptor
            return descriptor
        }
        return Library(path: path, sha256: sha256, descriptor: descriptor)
    }

    /// Loads the library into this process, for good. Another call finds it loaded.
    func image(plugin: String) throws -> LibraryImage { try LibraryImage(descriptor: descriptor, path: path, plugin: plugin) }

    private static func read(_ path: String, plugin: String) throws -> [UInt8] {
        let file = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw PluginError(.missingLibrary, plugin: plugin, "\(path) cannot be opened: \(systemError())") }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw PluginError(.unloadable, plugin: plugin, "\(path) is not a file") }
        // One byte more than the size, so that the end is seen without growing.
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var count = 0
        while true {
            if count == bytes.count { bytes.append(contentsOf: repeatElement(0, count: max(4096, count))) }
            let got = bytes.withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress! + count, $0.count - count) }
            if got < 0, errno == EINTR { continue }
            guard got >= 0 else { throw PluginError(.unloadable, plugin: plugin, "\(path) cannot be read: \(systemError())") }
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

private func systemError() -> String { String(cString: strerror(errno)) }

private func hexadecimal(_ digest: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: digest.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
