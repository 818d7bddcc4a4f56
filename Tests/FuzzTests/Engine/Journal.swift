import Foundation

/// What a child process has in hand, in a file that outlives it: it is there before anything is done with it.
final class Journal: Sendable {
    private let file: Int32

    init(_ path: String) throws {
        file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw FuzzError("cannot write \(path)") }
    }

    deinit { close(file) }

    /// The file's first eight bytes say how many follow that count; what follows them is of an earlier input.
    func set(subject: String, input: [UInt8]) {
        let content = Array(subject.utf8) + [UInt8(ascii: "\n")] + input
        var record = withUnsafeBytes(of: UInt64(content.count).littleEndian) { Array($0) }
        record += content
        _ = record.withUnsafeBytes { pwrite(file, $0.baseAddress, $0.count, 0) }
    }

    /// `nil` where nothing had been begun.
    static func read(_ path: String) -> (subject: String, input: [UInt8])? {
        guard let data = FileManager.default.contents(atPath: path), data.count > 8 else { return nil }
        let bytes = Array(data)
        let count = bytes[..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard bytes.count >= 8 + count, let end = bytes[8..<(8 + count)].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        return (String(decoding: bytes[8..<end], as: UTF8.self), Array(bytes[(end + 1)..<(8 + count)]))
    }
}

struct FuzzError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}
