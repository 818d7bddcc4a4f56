import APIModel
import Glibc

/// A path of the machine, of the kind the pod expects there. Upstream: `volume/hostpath`.
enum HostPath {
    /// Checks the path, and makes it where its type asks for that.
    static func check(_ path: String, type: String) throws {
        switch type {
        case "": return
        case "DirectoryOrCreate":
            if !Files.exists(path) { try Files.makeDirectories(path) }
            try expect(path, S_IFDIR, "directory")
        case "FileOrCreate":
            if !Files.exists(path) { try Files.write([], to: path) }
            try expect(path, S_IFREG, "file")
        default:
            guard let (kind, word) = kinds[type] else { throw ConfigurationError(message: "hostPath type \"\(type)\" is not supported") }
            try expect(path, kind, word)
        }
    }

    private static let kinds: [String: (mode_t, String)] = [
        "Directory": (S_IFDIR, "directory"), "File": (S_IFREG, "file"), "Socket": (S_IFSOCK, "socket file"),
        "CharDevice": (S_IFCHR, "character device"),
        "BlockDevice": (S_IFBLK, "block device"),
    ]

    private static func expect(_ path: String, _ kind: mode_t, _ word: String) throws {
        guard let status = Files.status(path), status.st_mode & S_IFMT == kind else {
            throw ConfigurationError(message: "hostPath type check failed: \(path) is not a \(word)")
        }
    }
}
