internal import Glibc

/// Looks into a tar archive: which files it has, and the content of small ones. Reads no more of the file than the headers and what is
/// asked for.
final class TarReader {
    private let descriptor: Int32
    private let path: String
    /// Where each file's content lies. Of two files with one name the last counts.
    private(set) var files: [String: (offset: Int, count: Int)] = [:]
    /// Where the last file ends and the end mark begins.
    private(set) var end = 0

    /// - Throws: `.missing` when the file cannot be read, `.badArchive` when it is no tar archive or ends early.
    init(path: String) throws(ContainerdError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ContainerdError(.missing, "cannot read \(path): \(String(cString: strerror(errno)))") }
        do throws(ContainerdError) { try scan() } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// The file's content; nil when there is none of that name or it is larger than `limit`.
    func content(_ name: String, limit: Int = 16 << 20) -> [UInt8]? {
        guard let file = files[name], file.count <= limit else { return nil }
        return read(at: file.offset, file.count)
    }

    private func read(at offset: Int, _ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress! + done, count - done, off_t(offset + done)) }
            if read < 0, errno == EINTR { continue }
            guard read > 0 else { return nil }
            done += read
        }
        return bytes
    }

    private func scan() throws(ContainerdError) {
        var info = stat()
        guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else {
            throw ContainerdError(.badArchive, "\(path) is not a file")
        }
        let size = Int(info.st_size)
        if let magic = read(at: 0, min(4, size)) {
            let formats: [(magic: [UInt8], name: String)] = [
                ([0x1f, 0x8b], "gzip"), ([0x28, 0xb5, 0x2f, 0xfd], "zstd"), ([0x42, 0x5a, 0x68], "bzip2"),
                ([0xfd, 0x37, 0x7a, 0x58], "xz"),
            ]
            if let format = formats.first(where: { magic.starts(with: $0.magic) }) {
                throw ContainerdError(.badArchive, "\(path) is compressed with \(format.name): decompress it first")
            }
        }
        var offset = 0
        var longName: String?
        while offset + 512 <= size, let header = read(at: offset, 512) {
            if header.allSatisfy({ $0 == 0 }) { return }
            guard let count = Self.number(header[124..<136]), count >= 0, Self.number(header[148..<156]) == Self.checksum(header) else {
                throw ContainerdError(.badArchive, offset == 0 ? "\(path) is not a tar archive" : "\(path) is damaged at byte \(offset)")
            }
            offset += 512
            guard count <= size - offset else { throw ContainerdError(.badArchive, "\(path) is cut off: it ends within a file") }
            let type = header[156]
            if type == UInt8(ascii: "L"), count < 4096, let bytes = read(at: offset, count) {
                longName = Self.text(bytes[...])
            } else {
                let prefix = header[257..<262].elementsEqual("ustar".utf8) && header[262] == 0 ? Self.text(header[345..<500]) : ""
                let name = longName ?? (prefix.isEmpty ? "" : prefix + "/") + Self.text(header[0..<100])
                longName = nil
                if type == 0 || type == 0x30 { files[name.hasPrefix("./") ? String(name.dropFirst(2)) : name] = (offset, count) }
            }
            offset += (count + 511) / 512 * 512
            end = offset
        }
        if offset == 0 { throw ContainerdError(.badArchive, "\(path) is not a tar archive") }
        if offset != size { throw ContainerdError(.badArchive, "\(path) is cut off: it ends within a header") }
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }

    /// Octal digits, or a number in base 256 where the first bit is set.
    private static func number(_ field: ArraySlice<UInt8>) -> Int? {
        if let first = field.first, first & 0x80 != 0 {
            guard first == 0x80, field.dropFirst().dropLast(8).allSatisfy({ $0 == 0 }), field[field.endIndex - 8] & 0x80 == 0 else {
                return nil
            }
            return field.suffix(8).reduce(0) { $0 << 8 | Int($1) }
        }
        let digits = field.drop { $0 == 0x20 }.prefix { $0 >= 0x30 && $0 <= 0x37 }
        return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8)
    }

    private static func checksum(_ header: [UInt8]) -> Int {
        header.indices.reduce(0) { $0 + (148..<156 ~= $1 ? 0x20 : Int(header[$1])) }
    }
}
