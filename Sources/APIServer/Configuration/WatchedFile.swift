import Glibc
public import Logging
import NIOPosix
import Synchronization

/// A file that may be replaced while the server runs. Read on a thread that may block.
public final class WatchedFile: Sendable {
    struct Problem: Error, CustomStringConvertible { var description: String }

    private let path: String
    private let last: Mutex<[UInt8]?>

    /// What it says now is known.
    public init(_ path: String) {
        self.path = path
        last = Mutex(try? Self.read(path))
    }

    /// What it says, when that is something else than the last time.
    /// - Throws: for a file that cannot be read.
    public func change() async throws -> String? {
        let path = path
        let bytes = try await NIOThreadPool.singleton.runIfActive { try Self.read(path) }
        let isNew = last.withLock { last in
            defer { last = bytes }
            return last != bytes
        }
        return isNew ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Calls `look` every `interval` until the task is cancelled. It says whether something else is used from now on, which is told; so is what
    /// cannot be used, and what was used before goes on.
    ///
    /// - Parameter what: is read from the files, for the log.
    public static func follow(
        _ what: String, in paths: [String], every interval: Duration, log: Logger, look: () async throws -> Bool
    ) async {
        let files: Logger.Metadata = ["files": "\(paths.joined(separator: ", "))"]
        while !Task.isCancelled {
            try? await Task.sleep(for: interval)
            do {
                if try await look() { log.notice("\(what): read again", metadata: files) }
            } catch {
                if Task.isCancelled { return }
                log.error("\(what): not used: \(error)", metadata: files)
            }
        }
    }

    private static let longest = 16 << 20

    private static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Problem(description: "\(path): \(String(cString: strerror(errno)))") }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65_536)
        while bytes.count <= longest {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw Problem(description: "\(path): \(String(cString: strerror(errno)))") }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
        throw Problem(description: "\(path): it is larger than \(longest >> 20) MB")
    }
}
