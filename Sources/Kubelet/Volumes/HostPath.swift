import APIModel
import FileSystem
import Glibc

/// A path of the machine, of the kind the pod expects there. Upstream: `volume/hostpath`.
///
/// Such paths may lead through links of the machine; but what is not there is made where the path led when it was looked at, not where
/// somebody makes it lead meanwhile. Nothing is opened, so nothing that is there can hold anybody up.
enum HostPath {
    /// Checks the path, and makes it where its type asks for that.
    static func check(_ path: String, type: String) throws {
        switch type {
        case "": return
        case "DirectoryOrCreate":
            try makeDirectory(path)
            try expect(path, S_IFDIR, "directory")
        case "FileOrCreate":
            if Files.status(path) == nil { try makeFile(path) }
            try expect(path, S_IFREG, "file")
        default:
            guard let (kind, word) = kinds[type] else { throw ConfigurationError(message: "hostPath type \"\(type)\" is not supported") }
            try expect(path, kind, word)
        }
    }

    /// Makes a directory, and those above it, where there is nothing.
    static func makeDirectory(_ path: String) throws {
        if Files.status(path) == nil { _ = try Directory.make(path, mode: 0o755) }
    }

    private static func makeFile(_ path: String) throws {
        let parent = try Directory.open(Files.parent(of: path))
        try parent.create(String(path.split(separator: "/").last ?? ""), [], mode: 0o644)
    }

    private static let kinds: [String: (mode_t, String)] = [
        "Directory": (S_IFDIR, "directory"), "File": (S_IFREG, "file"), "Socket": (S_IFSOCK, "socket file"),
        "CharDevice": (S_IFCHR, "character device"),
        "BlockDevice": (S_IFBLK, "block device"),
    ]

    private static func expect(_ path: String, _ kind: mode_t, _ word: String) throws {
        guard let status = Files.status(path), status.kind == kind else {
            throw ConfigurationError(message: "hostPath type check failed: \(path) is not a \(word)")
        }
    }
}
