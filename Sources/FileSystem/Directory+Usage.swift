internal import Glibc

extension Directory {
    /// Bytes on the disk and files of all that is below, the directory itself included. What is mounted in the tree is not counted, a file
    /// with many names once. What changes meanwhile may or may not be counted.
    ///
    /// Takes neither stack nor many descriptors for the depth of the tree, which a container chooses.
    package func usage() -> (bytes: Int64, inodes: Int64) {
        var pending: [(base: Directory, path: String)] = [(self, "")]
        var linked: Set<ino_t> = []
        var (bytes, inodes) = (Self.bytes(status()), Int64(1))
        while let (base, path) = pending.popLast() {
            guard let directory = path.isEmpty ? base : try? base.directory(path, [.withoutLinks, .withinMount]) else { continue }
            try? directory.eachName { name in
                guard let status = directory.status(name) else { return }
                let isDirectory = status.st_mode & S_IFMT == S_IFDIR
                if !isDirectory && status.st_nlink > 1 && !linked.insert(status.st_ino).inserted { return }
                bytes += Self.bytes(status)
                inodes += 1
                guard isDirectory else { return }
                // The kernel takes no path that is longer than a page.
                pending.append(path.utf8.count > 2048 ? (directory, name) : (base, path.isEmpty ? name : "\(path)/\(name)"))
            }
        }
        return (bytes, inodes)
    }

    private static func bytes(_ status: stat?) -> Int64 { status.map { Int64($0.st_blocks) << 9 } ?? 0 }
}
