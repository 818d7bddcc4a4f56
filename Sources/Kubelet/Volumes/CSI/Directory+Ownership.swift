import FileSystem
import Glibc

/// A whole tree for a group. Upstream: `volume/volume_linux.go`.
extension Directory {
    private static let read = mode_t(0o660)
    /// `AT_EMPTY_PATH`, which the C library hides behind `_GNU_SOURCE`.
    private static let itself: Int32 = 0x1000
    private static let enter = mode_t(0o110) | mode_t(S_ISGID)

    /// Whether the directory itself is the group's as `give` leaves it, which does it last.
    func isOwned(by group: Int64) -> Bool {
        guard let status = status() else { return false }
        let wanted = Self.read | Self.enter
        return Int64(status.st_gid) == group && status.st_mode & wanted == wanted
    }

    /// Lets the group read and write all that is below and the directory itself; what is made in it later is the group's, too. What is
    /// mounted in the tree is left alone, and no link is followed. What cannot be changed stays as it is.
    ///
    /// Takes neither stack nor many descriptors for the depth of the tree, which a container chooses.
    func give(to group: Int64) throws(Files.Failure) {
        var pending: [(base: Directory, path: String)] = [(self, "")]
        while let (base, path) = pending.popLast() {
            guard let directory = path.isEmpty ? base : try? base.directory(path, [.withoutLinks, .withinMount]) else { continue }
            try directory.eachName { name in
                guard let isDirectory = directory.give(name, to: group), isDirectory else { return }
                // The kernel takes no path that is longer than a page.
                pending.append(path.utf8.count > 2048 ? (directory, name) : (base, path.isEmpty ? name : "\(path)/\(name)"))
            }
        }
        _ = give("", to: group)
    }

    /// Answers whether it is a directory; `nil` when it is gone, or something is mounted on it.
    private func give(_ name: String, to group: Int64) -> Bool? {
        guard let found = try? beneath(name, Self.handle | O_NOFOLLOW, [.withoutLinks, .withinMount]) else { return nil }
        defer { close(found) }
        var status = stat()
        guard fstat(found, &status) == 0 else { return nil }
        let kind = status.st_mode & S_IFMT
        fchownat(found, "", uid_t.max, gid_t(truncatingIfNeeded: group), Self.itself)
        if kind == S_IFLNK { return false }
        chmod("/proc/self/fd/\(found)", status.st_mode & 0o7777 | Self.read | (kind == S_IFDIR ? Self.enter : 0))
        return kind == S_IFDIR
    }
}
