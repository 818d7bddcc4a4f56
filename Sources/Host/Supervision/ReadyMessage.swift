internal import Glibc

/// What a process in the background tells the one that waits for it, over a pipe: that it is ready, or why it will not be. The end of the
/// pipe without a word means that it ended.
enum ReadyMessage: Equatable {
    case ready(String)
    case failed(String)

    /// Tells it and ends the conversation.
    func send(to descriptor: Int32) {
        let text =
            switch self {
            case .ready(let line): "+\(line)"
            case .failed(let reason): "-\(reason)"
            }
        _ = text.withCString { write(descriptor, $0, strlen($0)) }
        close(descriptor)
    }

    /// Waits until everything was said; `nil` when that was nothing.
    ///
    /// One who is ready says so in one piece, and others may keep the pipe open after that.
    static func receive(from descriptor: Int32) -> ReadyMessage? {
        var text: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while text.first != UInt8(ascii: "+") {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 { text += buffer[..<count] } else if count == 0 || errno != EINTR { break }
        }
        guard let first = text.first else { return nil }
        let rest = String(decoding: text.dropFirst(), as: UTF8.self)
        return first == UInt8(ascii: "+") ? .ready(rest) : .failed(rest)
    }
}
