internal import Glibc

/// Which file it is, and as of when: equal as long as nobody has written to it.
struct FileState: Hashable {
    private let device: UInt
    private let inode: UInt
    private let modified: [Int]
    private let changed: [Int]
    let size: Int

    /// `nil` for what is no regular file.
    init?(_ descriptor: Int32) {
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        (device, inode, size) = (status.st_dev, status.st_ino, status.st_size)
        (modified, changed) = ([status.st_mtim.tv_sec, status.st_mtim.tv_nsec], [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
    }
}
