/// Writes a tar archive in the ustar format, the same bytes for the same content: no times, owners or names of this machine.
struct TarWriter {
    private(set) var bytes: [UInt8] = []

    enum Kind: UInt8 {
        case file = 0x30
        case link = 0x32
        case directory = 0x35
    }

    /// - Throws: `.badArchive` when the path or the link's target does not fit into the format.
    mutating func add(_ path: String, _ kind: Kind, mode: UInt32, content: [UInt8] = [], target: String = "") throws(ContainerdError) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: some Sequence<UInt8>, at offset: Int) { for (index, byte) in text.enumerated() { header[offset + index] = byte } }
        func octal(_ value: Int, _ width: Int) -> [UInt8] {
            let digits = String(value, radix: 8)
            return Array((String(repeating: "0", count: width - 1 - digits.utf8.count) + digits).utf8)
        }
        let (prefix, name) = try Self.split(kind == .directory ? path + "/" : path)
        guard target.utf8.count <= 100 else {
            throw ContainerdError(.badArchive, "the link \(path) points to a path of more than 100 bytes")
        }
        put(name.utf8, at: 0)
        put(octal(Int(mode), 8), at: 100)
        put(octal(0, 8), at: 108)
        put(octal(0, 8), at: 116)
        put(octal(content.count, 12), at: 124)
        put(octal(0, 12), at: 136)
        header[156] = kind.rawValue
        put(target.utf8, at: 157)
        put("ustar\u{0}00".utf8, at: 257)
        put(prefix.utf8, at: 345)
        put([UInt8](repeating: 0x20, count: 8), at: 148)
        put(octal(header.reduce(0) { $0 + Int($1) }, 7) + [0, 0x20], at: 148)
        bytes += header
        bytes += content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// The archive with its end mark.
    func finished() -> [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    /// A path of up to 100 bytes stands whole in the header, a longer one is divided at a slash.
    private static func split(_ path: String) throws(ContainerdError) -> (prefix: Substring, name: Substring) {
        if path.utf8.count <= 100 { return ("", path[...]) }
        for index in path.indices where path[index] == "/" {
            let (prefix, name) = (path[..<index], path[path.index(after: index)...])
            if prefix.utf8.count <= 155, name.utf8.count <= 100, !name.isEmpty { return (prefix, name) }
        }
        throw ContainerdError(.badArchive, "the path \(path) is too long for a tar archive")
    }
}
