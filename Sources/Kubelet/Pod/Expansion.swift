/// `$(NAME)` references in commands, arguments and values. An unknown name stays as it is written; `$$` is a dollar sign. Upstream:
/// `third_party/forked/golang/expansion`.
enum Expansion {
    /// As much, in bytes, as the kernel takes of arguments and environment together. What refers to itself twice, thirty times over, would
    /// fill any memory.
    static let limit = 2 << 20

    /// - Throws: `ConfigurationError` where it becomes longer than `limit` bytes.
    static func expand(_ input: String, upTo limit: Int = limit, _ value: (String) -> String?) throws(ConfigurationError) -> String {
        let text = Array(input.utf8)
        var output: [UInt8] = []
        var index = 0
        // Looked for once: where none follows, none follows later.
        var isClosed = true
        while index < text.count {
            guard output.count <= limit else { break }
            guard text[index] == UInt8(ascii: "$"), index + 1 < text.count else {
                output.append(text[index])
                index += 1
                continue
            }
            switch text[index + 1] {
            case UInt8(ascii: "$"):
                output.append(UInt8(ascii: "$"))
                index += 2
            case UInt8(ascii: "("):
                guard isClosed, let end = text[(index + 2)...].firstIndex(of: UInt8(ascii: ")")) else {
                    isClosed = false
                    output += [UInt8(ascii: "$"), UInt8(ascii: "(")]
                    index += 2
                    continue
                }
                let name = String(decoding: text[(index + 2)..<end], as: UTF8.self)
                output += (value(name) ?? "$(\(name))").utf8
                index = end + 1
            default:
                output += text[index...index + 1]
                index += 2
            }
        }
        guard output.count <= limit else {
            throw ConfigurationError(message: "command, arguments and environment expand to more than \(Self.limit) bytes")
        }
        return String(decoding: output, as: UTF8.self)
    }
}
