internal import Glibc

/// A regular file that was opened for reading. Blocks as long as the disk does; safe from any thread.
package final class OpenFile: Sendable {
    fileprivate let descriptor: Int32
    fileprivate init(_ descriptor: Int32) { self.descriptor = descriptor }
    deinit { close(descriptor) }

    /// Bytes there are now.
    package var size: Int64 { status?.size ?? 0 }
    /// Tells it apart from another that has its name now.
    package var identity: UInt64 { status?.inode ?? 0 }

    private var status: FileStatus? { FileStatus(descriptor) }

    /// As much as there is from `offset` on, `count` bytes at most.
    package func read(at offset: Int64, _ count: Int) -> [UInt8] {
        var done = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(count, 0)) { buffer, initialized in
            while done < count {
                let read = pread(descriptor, buffer.baseAddress! + done, count - done, Int(offset) &+ done)
                if read < 0 && errno == EINTR { continue }
                guard read > 0 else { break }
                done += read
            }
            initialized = done
        }
        return bytes
    }
}

extension Directory {
    /// Opens a regular file. What it is is found out before it is opened: opening a device can be an act by itself.
    private func regular(_ path: String, _ flags: Int32) throws(Files.Failure) -> Int32 {
        let found = try beneath(path, Self.handle | O_NOFOLLOW)
        defer { close(found) }
        guard FileStatus(found)?.isRegular == true else {
            throw Files.Failure(operation: "open", path: "\(self.path)/\(path)", reason: "not a regular file")
        }
        // The very file that was looked at, whatever has its name now.
        let file = Glibc.open("/proc/self/fd/\(found)", flags | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { throw Files.Failure(operation: "open", path: "\(self.path)/\(path)", code: errno) }
        return file
    }

    package func file(_ path: String) throws(Files.Failure) -> OpenFile { OpenFile(try regular(path, O_RDONLY)) }

    /// A whole file, of a longer one the first `limit` bytes. `nil` when there is no regular file.
    package func read(_ path: String, upTo limit: Int = 16 << 20) -> [UInt8]? {
        guard let file = try? file(path) else { return nil }
        return file.read(at: 0, Int(min(file.size, Int64(limit))))
    }

    /// Makes a file that is not there yet, with this very mode.
    package func create(_ path: String, _ bytes: [UInt8], mode: UInt32, user: Int64? = nil, group: Int64? = nil) throws(Files.Failure) {
        let file = try beneath(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode: 0o600)
        defer { close(file) }
        let place = "\(self.path)/\(path)"
        try Files.writeAll(bytes, to: file, place)
        if user != nil || group != nil {
            let owner = (user.map { uid_t(truncatingIfNeeded: $0) } ?? .max, group.map { gid_t(truncatingIfNeeded: $0) } ?? .max)
            guard fchown(file, owner.0, owner.1) == 0 else { throw Files.Failure(operation: "chown", path: place, code: errno) }
        }
        guard fchmod(file, mode) == 0 else { throw Files.Failure(operation: "chmod", path: place, code: errno) }
    }

    /// Gives a file this content. One that is there stays the same file, for who has it mounted, and stays as it was when the disk has no room
    /// for the new content.
    package func write(_ path: String, _ bytes: [UInt8], mode: UInt32) throws(Files.Failure) {
        let file: Int32
        do throws(Files.Failure) {
            file = try regular(path, O_WRONLY)
        } catch  where error.isMissing {
            return try create(path, bytes, mode: mode)
        }
        defer { close(file) }
        let place = "\(self.path)/\(path)"
        let room = posix_fallocate(file, 0, bytes.count)
        guard room != ENOSPC else { throw Files.Failure(operation: "write", path: place, code: room) }
        try Files.writeAll(bytes, to: file, place)
        guard ftruncate(file, bytes.count) == 0 else { throw Files.Failure(operation: "truncate", path: place, code: errno) }
    }
}
