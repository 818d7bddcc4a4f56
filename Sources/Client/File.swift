import Glibc

/// Reading small files whole.
enum File {
    /// - Throws: `ClientConfiguration.Problem`, which names the file.
    static func read(_ path: String) throws(ClientConfiguration.Problem) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw problem(path) }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0 { throw problem(path) }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }

    private static func problem(_ path: String) -> ClientConfiguration.Problem {
        .init(message: "cannot read \(path): \(String(cString: strerror(errno)))")
    }
}
