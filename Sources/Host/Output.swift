internal import Glibc

/// What commands say to people. Unbuffered, so that a line is out when it is said, also into a pipe.
enum Output {
    static func line(_ text: String) { write(text, to: 1) }
    static func error(_ text: String) { write("error: \(text)", to: 2) }

    private static func write(_ text: String, to descriptor: Int32) {
        var rest = Array("\(text)\n".utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBufferPointer { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
