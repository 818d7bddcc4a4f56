internal import Glibc

/// What the kernel tells of a file, in types of ours: `stat` belongs to whatever module of the system a build meets first.
package struct FileStatus: Sendable {
    /// `S_IFREG`, `S_IFDIR`, …
    package var kind: UInt32
    /// Down to `S_ISVTX`.
    package var permissions: UInt32
    package var user: UInt32
    package var group: UInt32
    package var size: Int64
    /// On the disk, in bytes.
    package var use: Int64
    package var links: UInt64
    package var inode: UInt64
    package var device: UInt64
    /// When it, or what is known of it, last changed.
    package var changed: (seconds: Int64, nanoseconds: Int64)

    package var isDirectory: Bool { kind == S_IFDIR }
    package var isRegular: Bool { kind == S_IFREG }

    /// `nil` with `errno`.
    package init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return nil }
        self.init(status)
    }

    /// `nil` with `errno`. Links are followed.
    package init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        self.init(status)
    }

    private init(_ status: stat) {
        kind = status.st_mode & S_IFMT
        permissions = status.st_mode & 0o7777
        (user, group) = (status.st_uid, status.st_gid)
        (size, use) = (Int64(status.st_size), Int64(status.st_blocks) << 9)
        (links, inode, device) = (UInt64(status.st_nlink), UInt64(status.st_ino), UInt64(status.st_dev))
        changed = (Int64(status.st_ctim.tv_sec), Int64(status.st_ctim.tv_nsec))
    }
}
