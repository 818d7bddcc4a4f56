import APIModel
import FileSystem
import Glibc

/// Mounts a part of a volume for a container, which may turn directories into links meanwhile. Upstream: `volume/util/subpath`.
enum SubPath {
    /// Binds `path` of the volume at `root` to `place` in `directory`, and returns where that is. Makes a directory where there is nothing.
    /// Binding again replaces the old binding, because the volume's files may have been replaced since.
    ///
    /// Links in the volume are followed as long as they stay in it.
    /// - Throws: `Problem`, which tells nothing of the machine's files.
    static func bind(_ path: String, of root: String, in directory: Directory, at place: String) throws(Problem) -> String {
        let part: Int32
        do throws(Files.Failure) {
            part = try find(path, in: try Directory.open(root))
        } catch {
            throw error.operation == "mkdir" ? .make : .prepare
        }
        defer { close(part) }
        do {
            let name = String(place[place.index(after: place.lastIndex(of: "/")!)...])
            let parent = try directory.make(Files.parent(of: place))
            parent.unmountAll(name)
            parent.removeTree(name)
            if FileStatus(part)?.isDirectory == true { _ = try parent.make(name) } else { try parent.create(name, [], mode: 0o640) }
            try parent.bind(part, on: name)
            return "\(parent.path)/\(name)"
        } catch {
            throw .prepare
        }
    }

    enum Problem: Error { case make, prepare }

    private static func find(_ path: String, in volume: Directory) throws(Files.Failure) -> Int32 {
        do throws(Files.Failure) {
            return try volume.beneath(path, Directory.handle, .inVolume)
        } catch  where error.isMissing {
            return try make(path, in: volume)
        }
    }

    /// Makes the directories that are missing, as open as the volume is, and returns a descriptor of the last.
    private static func make(_ path: String, in volume: Directory) throws(Files.Failure) -> Int32 {
        let names = path.split(separator: "/").filter { $0 != "." }
        // What is there may lead through links; what is made now may not.
        for count in (0..<names.count).reversed() {
            let existing = names[..<count].joined(separator: "/")
            do throws(Files.Failure) {
                let start = try volume.directory(existing, .inVolume)
                let made = try start.make(names[count...].joined(separator: "/"), mode: volume.status()?.permissions ?? 0o755)
                return try made.beneath("", Directory.handle)
            } catch  where error.isMissing && error.operation == "open" {
                continue
            }
        }
        throw Files.Failure(operation: "open", path: volume.path, code: ENOENT)
    }
}

extension Directory.Limits {
    /// Out of the volume leads nothing; within it links are the pod's own business.
    static let inVolume: Directory.Limits = []
}
