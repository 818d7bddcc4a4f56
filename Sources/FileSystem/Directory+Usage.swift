internal import Glibc

extension Directory {
    /// Bytes on the disk and files of all that is below, the directory itself included. What is mounted in the tree is not counted, a file
    /// with many names once. What changes meanwhile may or may not be counted.
    ///
    /// Takes neither stack nor many descriptors for the depth of the tree, which a container chooses.
    package func usage() -> (bytes: Int64, inodes: Int64) {
        var pending: [(base: Directory, path: String)] = [(self, "")]
        var linked: Set<UInt64> = []
        var (bytes, inodes) = (status()?.use ?? 0, Int64(1))
        while let (base, path) = pending.popLast() {
            guard let directory = path.isEmpty ? base : try? base.directory(path, [.withoutLinks, .withinMount]) else { continue }
            try? directory.eachName { name in
                guard let status = directory.status(name) else { return }
                if !status.isDirectory && status.links > 1 && !linked.insert(status.inode).inserted { return }
                bytes += status.use
                inodes += 1
                guard status.isDirectory else { return }
                // The kernel takes no path that is longer than a page.
                pending.append(path.utf8.count > 2048 ? (directory, name) : (base, path.isEmpty ? name : "\(path)/\(name)"))
            }
        }
        return (bytes, inodes)
    }
}
