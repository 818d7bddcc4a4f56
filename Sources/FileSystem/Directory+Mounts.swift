internal import Glibc

extension Directory {
    /// The path by which this process, and nobody else, reaches what a descriptor holds.
    private static func place(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

    /// Whether something is mounted there.
    package func isMountPoint(_ path: String) -> Bool {
        do throws(Files.Failure) {
            close(try beneath(path, Self.handle | O_NOFOLLOW, [.withoutLinks, .withinMount]))
            return false
        } catch {
            return error.code == EXDEV
        }
    }

    /// A file system in memory on the directory of that name, which is made where it is not there: what is mounted already stays.
    /// - Parameter size: bytes it holds at most; `nil` leaves it to the kernel.
    package func memory(_ name: String, size: Int64?, mode: UInt32, group: Int64? = nil) throws(Files.Failure) -> Directory {
        let point = try make(name)
        if !isMountPoint(name) {
            let options = "mode=0\(String(mode, radix: 8))" + (size.map { ",size=\($0)" } ?? "") + (group.map { ",gid=\($0)" } ?? "")
            // What lies in memory is not to reach the disk by way of swap; kernels before 6.3 do not know the option.
            let isMounted = [options + ",noswap", options].contains { options in
                options.withCString { mount("tmpfs", Self.place(point.descriptor), "tmpfs", 0, $0) == 0 }
            }
            guard isMounted else { throw Files.Failure(operation: "mount", path: point.path, code: errno) }
        }
        return try directory(name)
    }

    /// Mounts what `source` holds, with what is mounted in it, on a name of this directory.
    package func bind(_ source: Int32, on name: String) throws(Files.Failure) {
        let point = try beneath(name, Self.handle | O_NOFOLLOW)
        defer { close(point) }
        guard mount(Self.place(source), Self.place(point), nil, UInt(MS_BIND | MS_REC), nil) == 0 else {
            throw Files.Failure(operation: "mount", path: "\(path)/\(name)", code: errno)
        }
    }

    /// Takes away all that is mounted below this directory, or below `path` in it, the last made first.
    package func unmountAll(_ path: String = "") {
        guard let own = Self.realPath(descriptor) else { return }
        for point in MountPoints.below(path.isEmpty ? own : "\(own)/\(path)").reversed() where point != own {
            // The table is a picture of a moment ago, so the point is looked up again, from here.
            guard let found = try? beneath(String(point.dropFirst(own.count + 1)), Self.handle | O_NOFOLLOW) else { continue }
            defer { close(found) }
            umount2(Self.place(found), Int32(MNT_DETACH))
        }
    }

    private static func realPath(_ descriptor: Int32) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes {
            readlink(place(descriptor), $0.baseAddress!.assumingMemoryBound(to: CChar.self), $0.count)
        }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }
}
