internal import ELF
internal import Synchronization

/// The shared objects that an isolated library is linked with, for a process that sees none of the host's files.
enum SharedObjects {
    private struct Request: Hashable {
        var sha256: String
        var executable: String
    }
    private static let known = Mutex<[Request: [String]]>([:])

    /// The files that the library needs, and those that they need: the system's, and those from where the executable has its own. Where the
    /// library itself would have them looked for is its own idea and not asked: it could name any directory of the host's. What is nowhere
    /// is left out, and the dynamic linker will name it.
    static func of(_ library: Library, executable: String) -> [String] {
        let request = Request(sha256: library.sha256, executable: executable)
        if let files = known.withLock({ $0[request] }) { return files }
        let own = (try? ELFFile(path: executable, reading: .dependencies))?.searchPath.filter { $0.hasPrefix("/") } ?? []
        let file = try? ELFFile(path: "/proc/self/fd/\(library.descriptor)", reading: .dependencies)
        let files = file.map { LibrarySearch().files(neededBy: $0, first: own) } ?? []
        known.withLock { $0[request] = files }
        return files
    }
}
