import FileSystem
import Glibc

/// A whole tree for a group. Upstream: `volume/volume_linux.go`.
extension Directory {
    private static let read = UInt32(0o660)
    /// `AT_EMPTY_PATH`, which the C library hides behind `_GNU_SOURCE`.
    private static let itself: Int32 = 0x1000
    private static let enter = UInt32(0o110) | UInt32(S_ISGID)

    /// Whether the directory itself is the group's as `give` leaves it, which does it last.
    func isOwned(by group: Int64) -> Bool {
        guard let status = status() else { return false }
        let wanted = Self.read | Self.enter
        return Int64(status.group) == group && status.permissions & wanted == wanted
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
        guard let status = FileStatus(found) else { return nil }
        fchownat(found, "", uid_t.max, gid_t(truncatingIfNeeded: group), Self.itself)
        if status.kind == S_IFLNK { return false }
        chmod("/proc/self/fd/\(found)", status.permissions | Self.read | (status.isDirectory ? Self.enter : 0))
        return status.isDirectory
    }
}
